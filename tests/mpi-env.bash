# mpi-env.bash - how tests run mpirun: as root, too; more ranks than processors; what it leaves is in a
# folder of the test; one dead rank ends the others at once.
# shellcheck shell=bash

mpi_env() { # FOLDER
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_pml=ob1 \
		OMPI_MCA_btl=vader,self,tcp OMPI_MCA_hwloc_base_binding_policy=none \
		OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_odls_base_sigkill_timeout=0 \
		OMPI_MCA_orte_base_help_aggregate=1 TMPDIR="$1" OMPI_MCA_btl_vader_backing_directory="$1"
}

# why_no_ranks: what is missing for a run of several processes; nothing: all is there
why_no_ranks() {
	command -v mpirun >/dev/null || echo "mpirun is not installed"
	[ -e "$BIN/../libexec/rloop/rloop-mpi.so" ] || echo "rloop-mpi.so is not built (make mpi)"
}
