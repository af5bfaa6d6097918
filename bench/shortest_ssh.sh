#!/bin/sh
# The shortest shell script that replaces one release by another on several machines at once, over ssh, without a gap:
# put the new units in and start them, wait until they run, then stop and remove the old ones. One instance a machine.
# usage: shortest_ssh.sh NEW OLD UNIT-FILE MACHINE… where NEW and OLD end in @; SSH is the ssh command.
set -eu
new=$1 old=$2 file=$3
shift 3

on_each() { # a line of shell for each machine, with the machine's number in place of %
    line=$1 number=0 jobs=''
    shift
    for machine; do
        number=$((number + 1))
        # shellcheck disable=SC2086 # a command and its options
        $SSH "$machine" "$(echo "$line" | sed "s/%/$number/g")" <"$file" &
        jobs="$jobs $!"
    done
    for job in $jobs; do wait "$job"; done
}

units=/etc/systemd/system
on_each "cat >$units/$new%.service && systemctl enable -q --now $new% &&
    until systemctl -q is-active $new%; do sleep 0.25; done" "$@"
on_each "systemctl disable -q --now $old% && rm $units/$old%.service && systemctl daemon-reload" "$@"
