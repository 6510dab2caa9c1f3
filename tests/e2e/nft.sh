# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of rulesets share; sourced behind lib.sh. A host is a network
# namespace, held by a process that sleeps.

declare -A ns_pid

in_namespace()
{
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# ns_new NAME: a namespace with the interfaces that the rulesets name, all down.
# Every host has them under the same numbers.
ns_new()
{
	ns_end "$1"
	unshare -n sleep 3600 &
	ns_pid[$1]=$!
	eventually in_namespace "${ns_pid[$1]}" || bail_out "no namespace '$1'"
	printf 'link add %s\n' 'eth0 type ifb' 'vif5.0 type ifb' 'vif5.1 type ifb' \
		'vif5.10 type ifb' 'vif5.1-emu type ifb' 'vif9.1 type ifb' 'br0 type bridge' |
		ns "$1" ip -b - || bail_out "no interfaces in '$1'"
}

ns_end()
{
	[ -n "${ns_pid[$1]:-}" ] || return 0
	kill "${ns_pid[$1]}"
	wait "${ns_pid[$1]}" 2>/dev/null
	unset "ns_pid[$1]"
}

# ns NAME CMD...: there.
ns()
{
	nsenter -t "${ns_pid[$1]}" -n -- "${@:2}"
}

# nsemig_at NAME ARG...: its status is $rc, its output in $out and $err.
nsemig_at()
{
	ns "$1" "$NSEMIG" "${@:2}" >"$out" 2>"$err"
	rc=$?
}

# listing NAME [WHAT...]: the ruleset as nft tells it, but for handles and for
# the seconds that elements have left (ns_raw compares those).
listing()
{
	ns "$1" nft -j list "${@:2}" |
		jq -c '.nftables[] | walk(if type == "object" then del(.handle, .expires) else . end)
			| select(has("metainfo") | not)'
}

# ns_raw NAME FILE: as the kernel tells it, to the last attribute.
ns_raw()
{
	ns "$1" "$top/tests/nft/raw" >"$2"
}

# raw_same A B NAME: are these two alike?
raw_same()
{
	local different

	different=$("$top/tests/nft/raw" --compare "$1" "$2")
	ok $? "$3" || told "$different"
}
