#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Domains beside each other: two that move at the same time, the same way or
# crossing, disturb neither each other nor those that stay; a domain that is
# moving already is not moved twice; flows between two domains are where each of
# them is, before and after.
#
# vm1 and vm2 move; vm3 stays at A and vm4 at B.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe at_step
table="bridge domains"

declare -A part=([vm1]=vm [vm2]=vm2 [vm3]=vm3 [vm4]=vm4) addr

# flows HOST DOMAIN [DOMAIN]: the entries of a domain, or of two with each other.
flows()
{
	entries "$1" | grep -F "=${addr[$2]} " | grep -F "=${addr[${3:-$2}]} "
}

count()
{
	grep -c . <<<"$1"
}

# What a domain that stays has on host $1: the very same entries and rules (ids and
# handles tell), but for what its own traffic counts.
stays()
{
	at "$1" conntrack -L -o extended,id 2>/dev/null | grep -F "=${addr[$2]} " |
		grep -v "=${addr[vm1]} \|=${addr[vm2]} " |
		sed -E 's/^(ipv[46] +[0-9]+ +[a-z0-9-]+ +[0-9]+) [0-9]+/\1/;
			s/ \[ASSURED\]//; s/ (packets|bytes|use)=[0-9]+//g' | sort
	own_rules "$1" "$2" -a
}

# own_rules HOST DOMAIN [-a]: without what they count. Whom a domain has heard is
# left out, for a bridge whose ports change floods it with packets of others.
own_rules()
{
	local o

	for o in "chain $table $2_from" "chain $table $2_to" "counter $table $2_in" \
		"quota $table $2_month" "set $table $2_blocked"; do
		# shellcheck disable=SC2086
		at "$1" nft ${3:-} -s list $o 2>/dev/null
	done
	# shellcheck disable=SC2086
	at "$1" nft ${3:-} -t list set $table "$2_talkers" 2>/dev/null
	at "$1" nft list table bridge domains | grep -o "\"vif[^\"]*\" : jump $2_[a-z]*" | sort
}

# Where its chains hang, by which interface is another matter.
without_vif()
{
	sed 's/"vif[0-9]*\.0"/vif/' <<<"$1"
}

# move DOMAIN FROM TO: in the background; move_ended has its report and status.
move()
{
	mkdir -p "$work/$1"
	(
		work+=/$1 LAB_DOMAIN=$1
		migrate "$2" "$3" "${@:4}"
	) &
	move_pid[$1]=$!
}
declare -A move_pid

# move_ended DOMAIN FROM TO
move_ended()
{
	# shellcheck disable=SC2034
	local LAB_DOMAIN=$1

	wait "${move_pid[$1]}"
	is $? 0 "$1: migrate $2 -> $3" || diag "$(cat "$work/$1/talk")"
	report=$(cat "$work/$1/report")
	check_report "$1: $2 -> $3"
	like "$("$lab" status)" "domain $1: host $3, [^$]*runs" "$1 runs at $3"
}

# What is left of an earlier talk would end some time, perhaps between two looks.
talk_start()
{
	local d h

	for d in "$@"; do
		for h in A B; do
			at $h conntrack -D -s "$LAB_CLIENT4" -d "${addr[$d]}" >/dev/null 2>&1
		done
		probe_start "tcp $d" tcp "${addr[$d]}" 7007
		probe_start "udp $d" udp "${addr[$d]}" 7007
	done
	sleep 0.7
}

talk_end()
{
	local d p

	for d in "$@"; do
		for p in tcp udp; do
			probe_stop "$p $d"
			ok $? "$d: its $p session lives" || diag "$report"
		done
	done
}

counters()
{
	local h n

	for h in A B; do
		for n in "$@"; do
			echo "$h $n $(counter $h "$n")"
		done
	done
}

# left HOST DOMAIN: what it should not have there, which is everything but its flows
# with the one of vm1 and vm2 that is there.
left()
{
	local other=vm2

	[ "$2" = vm1 ] || other=vm1
	if "$lab" status | grep -q "^domain $other: host $1,"; then
		flows "$1" "$2" | grep -vF "=${addr[$other]} "
	else
		flows "$1" "$2"
	fi
	at "$1" nft list ruleset | grep "$2"
}

both_move()
{
	[ "$(find "$LAB_STATE"/host[AB]/state/moves -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
}

# Is somebody there who hears of changes? A change of nothing tells.
listens()
{
	at "$1" nft 'add table bridge heard; delete table bridge heard'
	grep -q heard "$work/changes.$1"
}

# together NAME FROM1 TO1 FROM2 TO2: vm1 and vm2 at the same time.
together()
{
	local d h what=$1 counted before3 before4
	declare -A entries rules source=([vm1]=$2 [vm2]=$4) target=([vm1]=$3 [vm2]=$5)

	talk_start vm1 vm2 vm3 vm4
	for d in vm1 vm2; do
		entries[$d]=$(flows "${source[$d]}" $d)
		at_least "$(count "${entries[$d]}")" 5 "$what: $d has flows"
		rules[$d]=$(own_rules "${source[$d]}" $d)
		at_least "$(count "${rules[$d]}")" 20 "$what: and rules"
	done
	before3=$(stays A vm3)
	before4=$(stays B vm4)
	counted=$(counters invalid refused opened)
	move vm1 "$2" "$3"
	move vm2 "$4" "$5"
	eventually both_move
	ok $? "$what: both are under way at once"
	for d in vm1 vm2; do
		move_ended $d "${source[$d]}" "${target[$d]}"
	done
	for d in vm1 vm2; do
		same "$(flows "${target[$d]}" $d)" "${entries[$d]}" "$what: $d has its entries"
		same "$(without_vif "$(own_rules "${target[$d]}" $d)")" \
			"$(without_vif "${rules[$d]}")" "$what: and its rules"
		is "$(left "${source[$d]}" $d)" "" "$what: which are nowhere else"
	done
	same "$(stays A vm3)" "$before3" "$what: vm3 has the same entries and rules"
	same "$(stays B vm4)" "$before4" "$what: so has vm4"
	sleep 0.3
	talk_end vm1 vm2 vm3 vm4
	same "$(counters invalid refused opened)" "$counted" \
		"$what: nothing was INVALID, refused or opened again"
	is "$(grep -h 'vm[34]' "$work"/changes.*)" "" "$what: nobody has touched vm3's or vm4's rules"
	is "$(for h in A B; do at $h nft list tables | grep nsemig; done)" "" \
		"$what: no guard stands any more"
}

# neighbours FROM TO LEFT MET: vm1 moves away from the domain LEFT, and to where MET
# is. What it has with LEFT is then at both hosts; what it has with MET is at the
# target already, and stays as it is, mark included.
neighbours()
{
	local from=$1 to=$2 left=$3 met=$4 what="$1 -> $2" left_entries met_entries counted

	at "$to" conntrack -U -s "${addr[$met]}" -d "${addr[vm1]}" -m 5 >/dev/null 2>&1
	left_entries=$(flows "$from" vm1 "$left")
	met_entries=$(flows "$to" vm1 "$met")
	is "$(count "$left_entries") $(count "$met_entries")" "3 3" "$what: vm1 has neighbours"
	is "$(grep -c mark=5 <<<"$met_entries") $(flows "$from" vm1 "$met" | grep -c mark=5)" "2 0" \
		"$what: with a mark at $to that $from does not have"
	counted=$(counters invalid refused opened)
	move vm1 "$from" "$to"
	move_ended vm1 "$from" "$to"
	is "$(field '.records | [.kept_at_source, .kept] | @json')" '[3,3]' \
		"$what: the report tells of both"
	same "$(flows "$from" vm1 "$left")" "$left_entries" "$what: $left's stay at $from"
	same "$(flows "$to" vm1 "$left")" "$left_entries" "$what: and are at $to, too"
	same "$(flows "$to" vm1 "$met")" "$met_entries" "$what: $met's are what they were"
	is "$(flows "$from" vm1 "$met")" "" "$what: and no longer at $from"
	sleep 0.3
	same "$(counters invalid refused opened)" "$counted" \
		"$what: nothing was INVALID, refused or opened again"
}

# meet DOMAIN DOMAIN: three flows between the two.
meet()
{
	probe_in=${part[$2]} probe_start "tcp $1 $2" tcp "${addr[$1]}" 7007
	probe_in=${part[$2]} probe_start "udp $1 $2" udp "${addr[$1]}" 7007
	probe_in=${part[$1]} probe_start "tcp $2 $1" tcp "${addr[$2]}" 7007
	sleep 0.7
}

# Afterwards there is nothing of it, so that numbers in reports are known.
part_from()
{
	local p h

	for p in "tcp $1 $2" "udp $1 $2" "tcp $2 $1"; do
		probe_stop "$p"
		ok $? "$1 and $2: their session lives ($p)" || diag "$report"
	done
	for h in A B; do
		at $h conntrack -D -s "${addr[$1]}" -d "${addr[$2]}" >/dev/null 2>&1
		at $h conntrack -D -s "${addr[$2]}" -d "${addr[$1]}" >/dev/null 2>&1
	done
}

# The same domain a second time, while it moves from A to B: its migration waits until
# the others have been refused.
twice()
{
	printf '#!/bin/sh\nexec %s source suspend "%s" -- %s "$@"\n' "$helpers/at_step" \
		"touch $work/moving; until [ -e $work/refused ]; do sleep 0.05; done" "$NSEMIG" \
		>"$work/waiting"
	chmod 755 "$work/waiting"
	NSEMIG=$work/waiting move vm1 A B
	eventually [ -e "$work/moving" ]
	ok $? "vm1 is on its way"
	migrate A B
	is $? 3 "a second migration of it is refused"
	like "$(cat "$work/talk")" "a migration of vm1 is under way already" "and says why"
	# One that does not see what is under way at the source.
	sed "s,^state-dir = .*,state-dir = $work/state," "$LAB_STATE/hostA/nsemig.conf" \
		>"$work/blind.conf"
	printf '#!/bin/sh\nNSEMIG_CONFIG=%s exec %s "$@"\n' "$work/blind.conf" "$NSEMIG" \
		>"$work/blind"
	chmod 755 "$work/blind"
	NSEMIG=$work/blind migrate A B
	is $? 3 "so is one that the source lets pass"
	like "$(cat "$work/talk")" "at root@.*: a migration of vm1 is under way already" \
		"by the target"
	: >"$work/refused"
	move_ended vm1 A B
}

# past_each_other STEP: vm1 and vm2, which talk with each other, change places. vm2's
# migration stands still before that step of the source while the whole of vm1's goes
# by. Until vm2 has let go of B they talk there, and A hears nothing of it.
past_each_other()
{
	local counted from=A to=B what="past each other at $1"

	"$lab" status | grep -q "^domain vm1: host A," || from=B to=A
	meet vm1 vm2
	counted=$(counters invalid refused opened)
	rm -f "$work/held" "$work/go"
	printf '#!/bin/sh\nexec %s source "%s" "%s" -- %s "$@"\n' "$helpers/at_step" "$1" \
		"touch $work/held; until [ -e $work/go ]; do sleep 0.05; done" "$NSEMIG" \
		>"$work/holding"
	chmod 755 "$work/holding"
	NSEMIG=$work/holding move vm2 $to $from
	eventually [ -e "$work/held" ]
	ok $? "$what: vm2's migration waits"
	move vm1 $from $to
	move_ended vm1 $from $to
	sleep 0.3
	: >"$work/go"
	move_ended vm2 $to $from
	for h in A B; do
		is "$(count "$(flows $h vm1 vm2)")" 3 "$what: what they share is at $h"
	done
	sleep 0.3
	same "$(counters invalid refused opened)" "$counted" \
		"$what: nothing was INVALID, refused or opened again"
	part_from vm1 vm2
}

# Both hosts talk with vm1 themselves, and go on when it moves from A to B.
hosts_own()
{
	local h counted

	for h in A B; do
		probe_in=$h probe_start "tcp $h" tcp "${addr[vm1]}" 7007
	done
	sleep 0.7
	counted=$(counters invalid refused opened)
	move vm1 A B
	move_ended vm1 A B
	is "$(count "$(flows A vm1 A)") $(count "$(flows B vm1 B)")" "1 1" \
		"each host has its own entry"
	for h in A B; do
		probe_stop "tcp $h"
		ok $? "$h: its own session with vm1 lives" || diag "$report"
	done
	same "$(counters invalid refused opened)" "$counted" \
		"the hosts: nothing was INVALID, refused or opened again"
}

lab_up --domains 4
for d in vm1 vm2 vm3 vm4; do
	addr[$d]=$(LAB_DOMAIN=$d "$lab" vars | sed -n 's/^LAB_VM4=//p')
	start_answer "${part[$d]}"
done
move vm4 A B
move_ended vm4 A B
# All that is changed by anybody but packets.
for h in A B; do
	spawn $h nft monitor >"$work/changes.$h" 2>&1 &
	eventually listens $h
done

meet vm1 vm2
for ((i = 1; i <= 2; i++)); do
	together "both there, $i" A B A B
	together "both back, $i" B A B A
done
# Of one id on both hosts: each comes to where its interface's name is another's.
move vm2 A B
move_ended vm2 A B
for h in A B; do
	echo 40 >"$LAB_STATE/host$h/domid"
done
for ((i = 1; i <= 2; i++)); do
	together "crossing, $i" A B B A
	together "crossing back, $i" B A A B
done
part_from vm1 vm2

meet vm1 vm3
meet vm1 vm4
neighbours A B vm3 vm4
neighbours B A vm4 vm3
part_from vm1 vm3
part_from vm1 vm4
for step in round0 collect ready release; do
	past_each_other $step
done
addr[A]=10.77.0.1 addr[B]=10.77.0.2
hosts_own
move vm1 B A
move_ended vm1 B A
twice
done_testing
