# deployster: completion for fish. Made by: deployster completion fish
function __deployster_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (_DEPLOYSTER_COMPLETE=fish command $words[1] $words[2..-1] "$current" 2>/dev/null </dev/null)
        set -l fields (string split \t -- $line)
        if test "$fields[1]" = file
            __fish_complete_path "$current"
        else if test "$fields[1]" = plain
            printf '%s\t%s\n' "$fields[2]" "$fields[3]"
        end
    end
end
complete --command deployster --no-files --keep-order --arguments '(__deployster_complete)'
