#!/bin/sh
# A stand-in for fleetctl behind a tunnel. It asks about a host key until $KNOWN_HOSTS has it, in fleetctl 1.0's words,
# and then lists nothing. Each question is noted in $QUESTIONS. ASKS names a way in which it goes otherwise.
host=[127.0.0.1]:1 # ssh-keyscan finds nothing there
print=b9:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f

ask() { # host, fingerprint
  printf "The authenticity of host '%s' can't be established.\nECDSA key fingerprint is %s.\n" "$1" "$2" >&2
  printf 'Are you sure you want to continue connecting (yes/no)? ' >&2
  answer=
  read -r answer || :
  echo "$1 ${answer:-nothing}" >>"$QUESTIONS"
  if [ "$answer" != yes ]; then
    printf 'Host key verification failed.\nUnable to initialize client: failed initializing SSH client: ' >&2
    echo 'ssh: handshake failed: unauthorized host' >&2
    exit 1
  fi
}

[ "$1" != --version ] || exec echo fleetctl version 1.0.0
grep -qsF "$host" "$KNOWN_HOSTS" && exit 0
if [ -t 0 ]; then # only who takes the key for a person gives it a terminal
  case "$ASKS" in
    another) print=00:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f ;;
    other-host) ask 10.0.0.7 "$print" ;;
    not) exit 0 ;;
    silent) sleep 600 ;;
  esac
fi
ask "$host" "$print"
if echo "$host key" >>"$KNOWN_HOSTS"; then
  echo "Warning: Permanently added '$host' (ECDSA) to the list of known hosts." >&2
else
  echo "Failed to add the host to the list of known hosts ($KNOWN_HOSTS)." >&2
fi 2>&1
