#!/usr/bin/env bash
# Starts a Slurm of two nodes on 127.0.0.1, runs a command with it, and ends what it started.
#
#   slurm-on-one-machine.sh FOLDER COMMAND...
#
# Needs root, and Debian's slurmctld, slurmd, slurm-client, munge and slurm-wlm-basic-plugins. FOLDER has to be short, since
# the name of a socket is in it.
set -euo pipefail
folder=$(realpath -m "$1")
shift
port=${SLURM_PORT:-26817}
host=$(hostname -s)
mkdir -p "$folder"/{state,spool,log}
# Munge refuses a socket in a folder that others may write to.
chmod 755 "$folder"

# The nodes claim more processors than there are, so that the whole array goes at once; the scheduler looks at its queue
# often; and everything listens on the loopback only.
cat > "$folder/slurm.conf" << CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=10000,bf_interval=1
NodeName=one,two NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=4
PartitionName=all Nodes=ALL Default=YES
CONF
export SLURM_CONF=$folder/slurm.conf

started=()
finish() {
  for ((index = ${#started[@]} - 1; index >= 0; index--)); do
    kill "${started[index]}" 2> /dev/null || true
  done
  wait 2> /dev/null || true
}
trap finish EXIT

# Waits up to a minute until a command succeeds.
wait_until() {
  for _ in $(seq 600); do
    ! "$@" > /dev/null 2>&1 || return 0
    sleep 0.1
  done
  echo "waited in vain for: $* (see $folder/log)" >&2
  return 1
}
nodes_are_idle() { [ "$(sinfo --noheader --Node --states=idle --format=%N | sort -u | wc -l)" -eq 2 ]; }

(umask 077 && head -c 128 /dev/urandom > "$folder/munge.key")
munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munge.pid" \
  --log-file="$folder/log/munge.log" --seed-file="$folder/munge.seed" 2> /dev/null &
started+=($!)
wait_until test -S "$folder/munge.socket"
slurmctld -D -c > "$folder/log/slurmctld.log" 2>&1 &
started+=($!)
for node in one two; do
  slurmd -D -N "$node" > "$folder/log/slurmd.$node.log" 2>&1 &
  started+=($!)
done
wait_until nodes_are_idle
"$@"
