# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of driftfs for bash.

_driftfs()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	if [ "$previous" = -o ]; then
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -P "${current%"${current##*,}"}" -W 'ro asof= history=hidden format=compact durability=close durability=fsync durability=interval= max_row= max_open= uid= gid= umask= allow_other drop_privileges nonempty' -- "${current##*,}")
		return
	fi
	case $current in
	-*) mapfile -t COMPREPLY < <(compgen -W '-f -d -s -o -h -V --unmount --help --version' -- "$current") ;;
	*) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
	esac
}
complete -o filenames -F _driftfs driftfs
