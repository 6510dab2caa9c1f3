# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The part of tests/bench/run for the commit: the time from the suspension of a
# domain to the target's word that its context is in force, by the number of its
# entries, in a table with $n entries of others, while 1000 of its own change
# each second. Once with entries that tell of their changes
# (nf_conntrack_events=1) and once with entries that do not (=2, created while
# nobody listened). Beside it, in the same run and with the same entries, what
# conntrack(8) takes at that point: dumping by address at one host and loading at
# the other, without the way between them.

changes=1000 # a second

# A lab whose source has a full table, of entries that tell or do not.
commit_lab()
{
	local i

	LAB_ID=bench-$$ LAB_COPY_MS=2000 "$lab" up
	eval "$(LAB_ID=bench-$$ "$lab" vars)"
	within A sysctl -qw "net.netfilter.nf_conntrack_events=$1"
	within B sysctl -qw "net.netfilter.nf_conntrack_events=$1"
	for i in {1..10}; do
		within A "$raw" load $((n / 10)) $((seed + 10 + i)) "10.99.0.$i" >/dev/null
	done
}

commit_migrate()
{
	local addr=LAB_MGMT_$2

	at "$1" "$NSEMIG" migrate "$LAB_DOMAIN" "root@${!addr}" --identity \
		"$LAB_IDENTITY" --known-hosts "$LAB_KNOWN_HOSTS" --report \
		"$work/report" >"$work/out" 2>&1 ||
		die "migrate $1 -> $2: $(cat "$work/out") $(jq -c . "$work/report")"
}

# A time counts only when everything has arrived, and nothing is left behind.
commit_check()
{
	jq -e --argjson size "$1" '.verified and .records.refused == [] and
		.records.carried >= $size' "$work/report" >/dev/null ||
		die "migrate: $(jq -c '[.verified, .records, .problems]' "$work/report")"
	[ "$(within A conntrack -C)" -lt $((n + 100)) ] ||
		die "migrate: $(within A conntrack -C) entries are left at the source"
	read -r secs did failed <"$work/churn"
	[ "$failed" = 0 ] || die "$failed changes were refused"
	churned+=("$(calc "$did / $secs" 0)")
}

# Dumps what is the domain's on either side, as whoever has no nsemig would.
commit_peer_copy()
{
	{
		within A conntrack -L -s "$vm" -o save
		within A conntrack -L -d "$vm" -o save
	} 2>/dev/null | within B conntrack -R - >/dev/null 2>"$work/err"
}

commit_peer()
{
	local start=${EPOCHREALTIME/[.,]/}

	commit_peer_copy || die "conntrack -R: $(head -n 3 "$work/err")"
	peer+=($((${EPOCHREALTIME/[.,]/} - start)))
	[ "$(within B conntrack -C)" -ge "$1" ] ||
		die "conntrack -R: $(within B conntrack -C) entries instead of $1"
	[ -n "${peer_differ:-}" ] || commit_peer_differs
	within B conntrack -F 2>/dev/null
}

# How many of the entries that conntrack(8) has copied are not the same there.
commit_peer_differs()
{
	local h rc=0

	for h in A B; do
		within $h "$NSEMIG" snapshot -e conntrack --addr "$vm" -o "$work/peer$h"
	done
	"$NSEMIG" diff --json "$work/peerA" "$work/peerB" >"$work/out" || rc=$?
	[ $rc -le 1 ] || die "diff: $(cat "$work/out")"
	peer_differ=$(jq '.changed + .removed + .added' "$work/out")
}

# One move of SIZE entries, then the domain comes back with its rules alone.
commit_round()
{
	local size=$1 events=$2 pid

	within A "$raw" load "$size" $((seed + 1)) >/dev/null
	[ "$events" != 1 ] || commit_peer "$size"
	within A "$BUILD/tests/bench/ct_churn" "$size" $((seed + 1)) $changes \
		"$LAB_STATE/domain/phase" runs copy >"$work/churn" 2>"$work/err" &
	pid=$!
	commit_migrate A B
	wait $pid || die "ct_churn: $(cat "$work/err")"
	commit_check "$size"
	commit+=("$(jq .phases_us.commit "$work/report")")
	hold+=("$(jq .hold_us "$work/report")")
	say "events=$events, $size flows: $(jq -c '[(.phases_us |
		{commit, freeze, collect, install, round0}), (.rounds | {rounds: length,
		last: .[-2].records}), .follow]' "$work/report")"
	within B conntrack -F 2>/dev/null
	LAB_COPY_MS=100 commit_migrate B A
}

milliseconds()
{
	calc "$1 / 1000" 1
}

commit_size()
{
	local size=$1 events=$2 i us commit=() hold=() peer=() what

	for ((i = 0; i < ${BENCH_ROUNDS:-3}; i++)); do
		commit_round "$size" "$events"
	done
	us=$(median "${commit[@]}")
	medians+=("$us")
	what="events=$events, $size flows"
	row "$what: commit" "$(milliseconds "$us")" ms
	row "$what: READY held" "$(milliseconds "$(median "${hold[@]}")")" ms
	[ "$events" = 1 ] || return 0
	row "$what: conntrack -L | -R" \
		"$(milliseconds "$(median "${peer[@]}")")" ms \
		"$(calc "$(median "${peer[@]}") / $us" 1)"
	if [ "$size" = "$first" ]; then
		row "of these $size, not the same there" "$peer_differ" flows
	fi
}

part_commit()
{
	local sizes=() size events first medians churned=() peer_differ='' most flat
	local secs did failed

	read -ra sizes <<<"${BENCH_SIZES:-$((n / 10000)) $((n / 100)) $((n / 10)) $n}"
	for size in "${sizes[@]}"; do
		[ "$size" -ge 2 ] && [ "$size" -le "$n" ] ||
			die "a size of $size flows: at least 2, at most BENCH_N"
	done
	first=${sizes[0]}
	drop full
	filled=
	for events in 1 2; do
		medians=()
		commit_lab $events
		for size in "${sizes[@]}"; do
			commit_size "$size" $events
		done
		LAB_ID=bench-$$ "$lab" down
		"$raw" wait $((idle + 10000))
		most=$(largest "${medians[@]}")
		flat=$(calc "$most / $(printf '%s\n' "${medians[@]}" | sort -n | head -n 1)")
		if [ $events = 1 ]; then
			row "events=1: longest commit" "$(milliseconds "$most")" ms - "<= 10"
			row "events=1: longest / shortest" - - "$flat" "<= 1.5"
		else
			row "events=2: longest / shortest" - - "$flat"
		fi
	done
	row "changes of the domain's entries" \
		"$(printf '%s\n' "${churned[@]}" | sort -n | head -n 1)" a/second
}
