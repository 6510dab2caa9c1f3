#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every ruleset of tests/nft goes through a snapshot into an empty namespace and
# is there what it was, for nft(8) and for the kernel; a second time it is kept,
# and purge leaves nothing. RULESETS (a pattern of names) chooses less.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nft.sh"
e2e_start
need_nsemig

export NSEMIG_CONFIG=$work/conf
: >"$NSEMIG_CONFIG"
out=$work/out err=$work/err
tested=0

# What this kernel or machine cannot do is said in the ruleset: "# needs: …".
load()
{
	case $1 in
	*.nft) ns A nft -f "$1" ;;
	*.sh) ns A bash -eu "$1" ;;
	esac >"$work/load" 2>&1
}

round_trip()
{
	local name=$1 file=$work/$1.nsc n

	nsemig_at A snapshot --all -e nft -o "$file"
	is $rc 0 "$name: snapshot" || { diag "$(cat "$err")"; return; }
	nsemig_at B apply -e nft "$file"
	is $rc 0 "$name: apply" || { diag "$(cat "$err")"; return; }
	same "$(listing B ruleset)" "$(listing A ruleset)" "$name: nft lists the same"
	ns_raw A "$work/a"
	ns_raw B "$work/b"
	raw_same "$work/a" "$work/b" "$name: the kernel tells the same"
	nsemig_at B snapshot --all -e nft -o "$work/again.nsc"
	nsemig_at B diff "$file" "$work/again.nsc"
	is $rc 0 "$name: the snapshots are the same" || diag "$(cat "$out" "$err")"
	n=$("$NSEMIG" show --json "$file" | jq '.records | length')
	nsemig_at B apply --json "$file"
	is "$rc $(jq -c '[.created, .kept]' "$out")" "0 [0,$n]" "$name: a second time it is kept" ||
		diag "$(cat "$err")"
	nsemig_at B purge "$file"
	is "$rc $(ns B nft list ruleset)" "0 " "$name: purge leaves nothing" ||
		diag "$(cat "$out" "$err")"
}

# Would the comparison see a difference?
ns_new A
ns A nft add table inet t
ns_raw A "$work/a"
ns A nft add chain inet t c
ns_raw A "$work/b"
"$top/tests/nft/raw" --compare "$work/a" "$work/b" >"$out"
isnt $? 0 "one chain more is a difference"
like "$(cat "$out")" chains "and is told"

for ruleset in "$top"/tests/nft/${RULESETS:-*}; do
	name=${ruleset##*/}
	case $name in *.nft | *.sh) ;; *) continue ;; esac
	ns_new A
	if ! load "$ruleset"; then
		needs=$(sed -n 's/^# needs: //p' "$ruleset")
		[ -n "$needs" ] && skip "$name" "needs $needs" && continue
		ok 1 "$name: loads" || diag "$(cat "$work/load")"
		continue
	fi
	ns_new B
	round_trip "$name"
	tested=$((tested + 1))
done
ns_end A
ns_end B
[ -n "${RULESETS:-}" ] || at_least $tested 80 "$tested rulesets were tried"
done_testing
