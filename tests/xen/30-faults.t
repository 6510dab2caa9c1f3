#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What goes wrong on real Xen. However a move ends, the guest runs in exactly
# one place, its context is complete there and absent elsewhere.
#
# XEN_FAULTS: a regular expression that chooses among them, by their names.

. "$(dirname "$0")/lib.sh"
faults=${XEN_FAULTS:-.}
flows=34
xen_up
guest_start A
where=A
crowd_start -T 20 -B 1 -U 8 -I 4 -l 7100 -i 4000 -r 8000
ok $? "$flows flows" || bail_out "not all flows began"
own=$(rules A)
nobody=$(rules B)

# begin [OPTION...]: a move from $where that goes on behind our back.
begin()
{
	there=$(other $where)
	at $where "rm -f /tmp/report /tmp/status; (
		$CRON nsemig migrate $GUEST root@host$there --identity $KEY \\
			--report /tmp/report $* >/tmp/migrate 2>&1 </dev/null
		echo \$? >/tmp/status) >/dev/null 2>&1 &"
}

# until_on HOST SECONDS COMMAND: asked ten times a second, on the host itself.
until_on()
{
	at "$1" "for i in \$(seq $(($2 * 10))); do
			{ $3; } >/dev/null 2>&1 && exit 0
			sleep 0.1
		done
		exit 1"
}

# The end of the move, or of what is left of it, on both hosts.
wait_end()
{
	until_on $where 150 "[ -s /tmp/status ] && ! pgrep -f '[x]l migrate '" ||
		diag "$(at $where "ps -ef | grep -e nsemig -e xl")"
	until_on "$there" 100 "! pidof nsemig" ||
		diag "$(at "$there" "ps -ef | grep -e nsemig -e xl")"
	# What is left of xl's own receiver destroys its copy.
	until_on "$there" 60 "! xl list $GUEST--incoming"
	status=$(at $where "cat /tmp/status")
	said=$(at $where "cat /tmp/migrate")
}

state_there()
{
	echo "grep -qs $1 /run/nsemig/sessions/*/state"
}

# Waits until the move has come so far. To hold it, the receiver stands still, from
# when most of the memory has been copied: its silence must not end the move before.
reach()
{
	case $1 in
	hello) until_on "$there" 30 "pidof nsemig" ;;
	copy) until_on "$there" 60 "xl list $GUEST--incoming && $(state_there installing)" ;;
	hold)
		reach copy
		until_on $where 150 "grep '^{' /tmp/migrate | tail -n 1 | jq -e '.bytes > 0.6 * .total'"
		at "$there" "kill -STOP \$(pidof nsemig)"
		until_on $where 150 "grep -q 'requesting permission' /tmp/migrate"
		;;
	committed) until_on "$there" 150 "$(state_there committed)" ;;
	released) until_on $where 150 "grep -q 'Giving target permission' /tmp/migrate" ;;
	esac
}

# The move's own link, and no other, loses every packet.
cut_link()
{
	at $where "p=\$(ss -tnpH dport = :22 | awk '/\"nsemig\"/ { print \$4 }')
		p=\${p##*:}
		nft -f - <<-E
		table inet cut {
			chain in { type filter hook input priority -400; tcp dport \$p drop; }
			chain out { type filter hook output priority -400; tcp sport \$p drop; }
		}
		E"
	ok $? "the link is cut"
}

strike()
{
	case $1 in
	source) at $where "kill -KILL \$(pgrep -f '^nsemig migrate')" ;;
	receiver) at "$there" "kill -KILL \$(pidof nsemig)" ;;
	link) cut_link ;;
	esac
}

# Looks at both hosts; sets $where to the one on which the guest runs.
one_place()
{
	local name=$1 wanted=$2 elsewhere

	is "$(for h in A B; do at $h "xl list | awk -v h=$h '\$1 ~ /^$GUEST/ { print h, \$1 }'"; done)" \
		"$wanted $GUEST" "$name: the guest is on $wanted and nowhere else"
	elsewhere=$(other "$wanted")
	where=$wanted
	is "$(left_over A)$(left_over B)" "" "$name: no guard is left"
	is "$(tracked "$elsewhere")" 0 "$name: $elsewhere tracks nothing of it"
	at_least "$(tracked "$wanted")" $flows "$name: $wanted tracks all of it"
	same "$(rules "$wanted")" "$own" "$name: its rules are on $wanted"
	same "$(rules "$elsewhere")" "$nobody" "$name: $elsewhere has none of them"
	crowd_lives
	ok $? "$name: all flows live" || diag "$crowd"
	# The journals of the killed stay until somebody looks at them.
	is "$(for h in A B; do at $h "nsemig recover >&2
		ls /run/nsemig/sessions /run/nsemig/moves 2>/dev/null | grep -v :"
	done 2>"$work/recover")" "" "$name: nothing to recover is left" || diag "$(cat "$work/recover")"
}

# fault WHO PHASE STATUS WHERE: where is "stay" or "go".
fault()
{
	local name="$1 at $2" at_end

	[[ $name =~ $faults ]] || return 0
	case $name in
	link*hold) begin --timeout 90 --progress=json ;;
	*hold) begin --timeout 300 --progress=json ;;
	*) begin --timeout 20 ;;
	esac
	at_end=$where
	[ "$4" = stay ] || at_end=$there
	reach "$2"
	ok $? "$name: so far" || diag "$(at $where "cat /tmp/migrate")"
	strike "$1"
	[ "$2" != hold ] || [ "$1" = receiver ] || at "$there" "kill -CONT \$(pidof nsemig)"
	wait_end
	at $where "nft delete table inet cut" 2>/dev/null
	is "$status" "$3" "$name: exit status" || diag "$said"
	if [ "$name" = "source at released" ]; then
		at "$where" "nsemig recover" >"$work/recover" 2>&1
		is $? 0 "$name: nsemig recover cleans up" || diag "$(cat "$work/recover")"
	fi
	one_place "$name" "$at_end"
}

fault source hello 137 stay
fault source copy 137 stay
fault receiver copy 3 stay
fault link copy 3 stay
fault source hold 137 stay
fault receiver hold 3 stay
fault link hold 3 stay
fault link committed 0 go
fault source committed 137 stay
fault receiver committed 3 stay
fault receiver released 0 go
fault source released 137 go

# Reasons that the target has.
refusal()
{
	local name=$1 reason=$2

	wait_end
	is "$status" 3 "$name: exit status" || diag "$said"
	like "$said" "$reason" "$name: the reason is told"
	is "$(at $where "jq -r .result /tmp/report")" aborted "$name: the report"
	one_place "$name" $where
}

if [[ "refused by policy" =~ $faults ]]; then
	there=$(other $where)
	at "$there" "mkdir -p /etc/nsemig; printf '[receive]\nallow = 10.88.0.0/16\n' >/etc/nsemig/nsemig.conf"
	begin
	refusal "refused by policy" "10.77.0.10"
	at "$there" "rm /etc/nsemig/nsemig.conf"
fi

if [[ "same name" =~ $faults ]]; then
	there=$(other $where)
	at "$there" "sed s/:0a/:0b/ /lab/guest.cfg >/lab/twin.cfg; xl create -q -p /lab/twin.cfg" 2>/dev/null
	begin
	wait_end
	at "$there" "xl destroy $GUEST"
	is "$status" 3 "same name: exit status" || diag "$said"
	like "$said" "$GUEST" "same name: the reason is told"
	one_place "same name" $where
fi

# xl itself finds out only after GO.
if [[ "same name, late" =~ $faults ]]; then
	there=$(other $where)
	begin
	reach copy
	at "$there" "sed s/:0a/:0b/ /lab/guest.cfg >/lab/twin.cfg; xl create -q -p /lab/twin.cfg" 2>/dev/null
	wait_end
	at "$there" "xl destroy $GUEST"
	is "$status" 3 "same name, late: exit status" || diag "$said"
	one_place "same name, late" $where
fi

if [[ "table full" =~ $faults ]]; then
	there=$(other $where)
	begin
	reach copy
	at "$there" "sysctl -n net.netfilter.nf_conntrack_max >/tmp/max
		sysctl -qw net.netfilter.nf_conntrack_max=10"
	wait_end
	at "$there" "sysctl -qw net.netfilter.nf_conntrack_max=\$(cat /tmp/max)"
	is "$status" 3 "table full: exit status" || diag "$said"
	like "$said" "nf_conntrack_max" "table full: the reason is told"
	one_place "table full" $where
fi

crowd_stop
at $where "xl destroy $GUEST"
done_testing
