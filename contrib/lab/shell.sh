# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Names for the people in the lab: a shell of one of its parts where the hosts
# are called as they would be elsewhere. Sourced by lab.

# The names that a part's shell knows, and how ssh gets to the hosts.
make_names()
{
	local d

	{
		printf '127.0.0.1 localhost\n::1 localhost\n'
		printf '%s hostA\n%s hostB\n%s client\n%s client\n' "$LAB_MGMT_A" "$LAB_MGMT_B" \
			"$LAB_CLIENT4" "$LAB_CLIENT6"
		for d in $(lab_domains); do
			(lab_domain "$d" && printf '%s %s\n%s %s\n' "$LAB_VM4" "$d" "$LAB_VM6" "$d")
		done
	} >"$LAB_STATE/hosts"
	cat >"$LAB_STATE/ssh_config" <<-END
	Host hostA $LAB_MGMT_A
		HostName $LAB_MGMT_A
	Host hostB $LAB_MGMT_B
		HostName $LAB_MGMT_B
	Host *
		User root
		IdentityFile $LAB_STATE/identity
		UserKnownHostsFile $LAB_STATE/known_hosts
	END
}

# The files and the host name are the shell's alone, in namespaces of its own. What
# others mount, such as network namespaces, is seen there too.
cmd_shell()
{
	local part=${1:-A} name=${1:-A}

	case $part in
	A | B) name=host$part ;;
	vm) name=vm1 ;;
	esac
	[ $# = 0 ] || shift
	[ $# -gt 0 ] || set -- "${SHELL:-bash}"
	# shellcheck disable=SC2016,SC2154
	exec unshare --mount --propagation slave --uts -- bash -c '
		mount --bind "$1/hosts" /etc/hosts || exit 3
		[ ! -e /etc/ssh/ssh_config ] ||
			mount --bind "$1/ssh_config" /etc/ssh/ssh_config || exit 3
		hostname "$2"
		shift 2
		exec "$@"
	' shell "$LAB_STATE" "$name" "$here/lab" exec "$part" "$@"
}
