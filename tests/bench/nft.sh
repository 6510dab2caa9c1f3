# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The part of tests/bench/run for rules: a ruleset of 100,000 elements and
# 10,000 rules against the bare netlink messages and against nft(8).

part_nft()
{
	local i base raw_nft=$BUILD/tests/bench/nft_raw d l records
	local elements=${BENCH_ELEMENTS:-100000} rules=${BENCH_RULES:-10000}
	local dump=() load=() snap=() list=() apply=() ready=() file=()

	ip netns add "nsemig-bench-$$-rules"
	"$raw_nft" text "$elements" "$rules" >"$work/rules.nft"
	within rules nft -f "$work/rules.nft"
	for ((i = 0; i < rounds; i++)); do
		read -r d l _ <<<"$(within rules "$raw_nft" copy)"
		dump+=("$d") load+=("$l")
		timed rules 0 "$NSEMIG" snapshot -v --all -e nft -o "$work/rules.nsc"
		snap+=("$us")
		timed rules 0 nft list ruleset
		list+=("$us")
		ip netns add "nsemig-bench-$$-to"
		timed to 0 "$NSEMIG" apply --json "$work/rules.nsc"
		records=$(jq .created "$work/out")
		[ "$(jq .verified "$work/out")" = "$records" ] &&
			[ "$records" -gt $((elements + rules)) ] ||
			die "apply: $(cat "$work/out")"
		apply+=("$us")
		ready+=("$((us - $(jq .phases_us.verify "$work/out")))")
		drop to
		ip netns add "nsemig-bench-$$-to"
		timed to 0 nft -f "$work/rules.nft"
		file+=("$us")
		drop to
	done
	drop rules
	row "elements" "$elements" ""
	row "rules" "$rules" ""
	base=$(median "${dump[@]}")
	row "bare raw dump" "$(seconds "$base")" s
	versus "snapshot" "$(median "${snap[@]}")" "<= 1.3"
	versus "nft list ruleset" "$(median "${list[@]}")"
	row "bytes" "$(stat -c %s "$work/rules.nsc")" ""
	base=$(median "${load[@]}")
	row "raw load in one batch" "$(seconds "$base")" s
	versus "apply: until all is in force" "$(median "${ready[@]}")" "<= 1.3"
	versus "apply: whole, all read back" "$(median "${apply[@]}")"
	versus "nft -f" "$(median "${file[@]}")"
	row "nft -f / apply: whole" - - "$(calc "$(median "${file[@]}") / $(median "${apply[@]}")")"
}
