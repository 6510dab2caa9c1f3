#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The bridge family's own connection tracking (`table bridge` with ct state),
# and what an operator does there: by hand in a terminal, or from cron. The
# commit is held up for seconds on the way, and no packet of the guest may leave
# through the target's bridge before it.

. "$(dirname "$0")/lib.sh"
xen_up
for h in A B; do
	at $h "sed 's/,ip=[^\"]*//' /lab/guest.cfg >/lab/no-ip.cfg"
done
guest_start A no-ip

# Without `ip=` the scope is what dom0's neighbour table and the guest's own
# words in xenstore tell.
addresses()
{
	at "$1" "ip addr replace fd77::$((0x$1 - 9))/64 dev xenbr0 nodad
		ping -c 2 -i 0.3 -W 2 $GUEST4; ping -c 2 -i 0.3 -W 2 fd77::10" >"$work/ping" 2>&1
	at "$1" "nsemig show $GUEST --json" | jq -r '.scope.domain |
		.name, .vifs[].mac, .vifs[].bridge, (.addresses - ["fe80::216:3eff:fe00:a"] | sort)[]' |
		tr '\n' ' '
}
told_by_neighbours="$GUEST 00:16:3e:00:00:0a xenbr0 10.77.0.10 fd77::10 "
is "$(addresses A)" "$told_by_neighbours" "libxenlight and the neighbours tell the scope" ||
	diag "$(cat "$work/ping")"
node="/local/domain/\$(xl domid $GUEST)/attr/vif/0/ipv6/0"
at A "xenstore-write $node fd77::11"
is "$(addresses A)" "${told_by_neighbours}fd77::11 " "so does xenstore"
at A "xenstore-rm $node"
crowd_start -T 20 -B 1 -U 8 -I 4 -l 7100 -i 4000 -r 8000
ok $? "34 flows" || bail_out "not all flows began"
ftp_start
ok $? "FTP has announced a data connection"

# The receiver stands still from the copy on, until the guest has been frozen
# for some seconds.
invalid=$(counter B invalid)
refused=$(counter B refused)
opened=$(counter B opened)
(
	at B "for i in \$(seq 1200); do
			if xl list | grep -q -e $GUEST--incoming; then break; fi
			sleep 0.1
		done
		pidof nsemig >/tmp/stopped; kill -STOP \$(cat /tmp/stopped)"
	at A "for i in \$(seq 1200); do
			xl list $GUEST | grep -q ' ---s' && break
			sleep 0.1
		done"
	at A "ip netns exec client ping -c 5 -i 0.5 -W 1 $GUEST4"
	at B "ping -c 3 -i 0.5 -W 1 $GUEST4"
	counter B passed
	at B "kill -CONT \$(cat /tmp/stopped)"
) >"$work/held" 2>&1 &
passed=$(counter B passed)
migrate A --timeout 300
is "$rc" 0 "A -> B" || diag "$said"
guest_on B
ok $? "the guest runs on B alone"
is "$(tail -n 1 "$work/held")" "$passed" "nothing passed B before the commit" ||
	diag "$(cat "$work/held")"
at_least "$(field .phases_us.commit)" 4000000 "and that was for more than 4 s"
crowd_lives
ok $? "all flows live" || diag "$crowd"
at_least "$(counter B passed)" $((passed + 1)) "now the guest's packets pass"
is "$(counter B invalid) $(counter B refused)" "$invalid $refused" \
	"none was INVALID, none refused"
like "$(ftp_finish)" "first 262144 bytes .*second 262144 bytes" "FTP goes on"
is "$(counter B opened)" "$opened" "no flow was opened anew"
diag "$crowd"

is "$(addresses B)" "$told_by_neighbours" "B has learnt the scope"

# Back, as a person in a terminal: no option, the user's own key, the progress.
at B "TERM=vt100 script -qec 'stty cols 100; nsemig migrate $GUEST hostA' /dev/null" \
	>"$work/terminal" 2>&1
is $? 0 "B -> A in a terminal" || diag "$(tail -n 3 "$work/terminal")"
guest_on A
ok $? "the guest runs on A alone"
like "$(tr '\r' '\n' <"$work/terminal")" "MiB" "the progress was shown"
like "$(cat "$work/terminal")" "Migration successful" "xl's own words, too"
crowd_lives
ok $? "all flows live" || diag "$crowd"

crowd_stop
at A "xl destroy $GUEST"
done_testing
