#!/bin/sh
# sandbox.sh COMMAND ...: runs it with nothing but the system's programs to read, an empty /tmp, no
# network, no home, no environment, and limits on time, memory, processes and the size of files and
# of all of /tmp. What it starts ends with it.
exec timeout -k 1 "${WALL:-5}" bwrap --unshare-all --cap-drop ALL --die-with-parent --new-session \
	--clearenv --setenv PATH /usr/bin \
	--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
	--proc /proc --ro-bind /proc/sys /proc/sys --dev /dev --size 67108864 --tmpfs /tmp --chdir /tmp \
	prlimit --as="${MEMORY:-536870912}" --cpu="${CPU:-4}" --nproc="${PROCESSES:-64}" \
	--fsize=1048576 --core=0 "$@"
