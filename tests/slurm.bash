# slurm.bash - a Slurm of this machine alone, for tests: all that is its own is in one folder.
# shellcheck shell=bash

# why_no_slurm: what is missing for it; nothing: all is there
why_no_slurm() {
	local name
	[ "$(id -u)" = 0 ] || echo "Slurm: not as root"
	for name in munged slurmctld slurmd srun sbatch; do
		command -v $name >/dev/null || echo "Slurm: $name is not installed (apt-get install slurmctld slurmd slurm-client munge)"
	done
}

# slurm_up FOLDER PROCESSORS: until slurm_down; SLURM_CONF tells the commands of it
slurm_up() {
	local d=$1 n=$2 host port=$((20000 + RANDOM % 20000))
	host=$(hostname -s)
	mkdir -p "$d/ctld" "$d/d" "$d/log"
	(umask 077 && head -c 1024 /dev/urandom >"$d/key")
	cat >"$d/slurm.conf" <<-END
		ClusterName=test
		SlurmctldHost=$host(127.0.0.1)
		SlurmctldPort=$port
		SlurmdPort=$((port + 1))
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		AuthInfo=socket=$d/munge
		StateSaveLocation=$d/ctld
		SlurmdSpoolDir=$d/d
		SlurmctldPidFile=$d/ctld.pid
		SlurmdPidFile=$d/d.pid
		SlurmctldLogFile=$d/log/ctld
		SlurmdLogFile=$d/log/d
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core
		ReturnToService=2
		MpiDefault=none
		KillWait=5
		SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
		NodeName=$host NodeAddr=127.0.0.1 CPUs=$n Sockets=1 CoresPerSocket=$n ThreadsPerCore=1 State=UNKNOWN
		PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	END
	export SLURM_CONF=$d/slurm.conf
	munged --force --key-file="$d/key" --socket="$d/munge" --pid-file="$d/munged.pid" \
		--log-file="$d/log/munged" --seed-file="$d/seed" 3>&- &&
		slurmctld -c 3>&- && slurmd 3>&- || return 1
	for _ in {1..600}; do
		[ "$(sinfo -h -o %t 2>/dev/null)" != idle ] || return 0
		sleep 0.1
	done
	return 1
}

slurm_down() { # FOLDER
	local name pid
	for name in d ctld munged; do
		pid=$(cat "$1/$name.pid" 2>/dev/null) || continue
		kill "$pid"
		for _ in {1..100}; do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
	done
}
