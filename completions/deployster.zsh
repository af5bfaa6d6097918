#compdef deployster
# deployster: completion for zsh. Made by: deployster completion zsh
_deployster() {
    local program=${(Q)words[1]} line tab=$'\t'
    local -a fields described bare typed=("${(@Q)words[2,CURRENT]}")
    for line in "${(@f)$(_DEPLOYSTER_COMPLETE=zsh ${~program} "${typed[@]}" 2>/dev/null </dev/null)}"; do
        fields=("${(@ps:$tab:)line}")
        if [[ $fields[1] == file ]]; then
            _files
        elif [[ -n $fields[3] ]]; then
            described+=("${fields[2]//:/\\:}:$fields[3]")
        elif [[ -n $fields[2] ]]; then
            bare+=("$fields[2]")
        fi
    done
    (( $#described )) && _describe -V deployster described
    (( $#bare )) && compadd -V deployster-bare -a bare
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _deployster "$@"
else
    compdef _deployster deployster
fi
