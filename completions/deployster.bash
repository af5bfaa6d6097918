# deployster: completion for bash 4.4 or later. Made by: deployster completion bash
# The line is handed over whole, as bash parts words at = and : as well.
_deployster() {
    local kind value help
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        if [[ $kind == file ]]; then
            compopt -o default
        elif [[ $kind == plain ]]; then
            COMPREPLY+=("$value")
        fi
    done < <(_DEPLOYSTER_COMPLETE=bash "${1/#\~\//$HOME/}" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
} 2>/dev/null
complete -o nosort -F _deployster deployster 2>/dev/null || complete -F _deployster deployster
