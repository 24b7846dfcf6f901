#!/bin/sh
# sandbox.sh COMMAND ...: runs it with nothing but the system's programs to read, an empty /tmp, no
# network, no home, no environment, and limits on time, memory and the size of files. What it starts
# ends with it.
exec timeout -k 1 "${WALL:-5}" bwrap --unshare-all --die-with-parent --new-session --clearenv \
	--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
	--proc /proc --dev /dev --tmpfs /tmp --chdir /tmp --setenv PATH /usr/bin \
	prlimit --as="${MEMORY:-536870912}" --cpu="${CPU:-4}" --fsize=1048576 --core=0 "$@"
