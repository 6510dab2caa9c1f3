#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The control: plain `xl migrate` moves the guest, and the connection through
# the bridge's stateful firewall breaks, since the target's conntrack has never
# seen it.

. "$(dirname "$0")/lib.sh"
xen_up
guest_start A
guest_on A
ok $? "the guest runs on A"
is "$(at A 'nsemig --version' | cut -d' ' -f1)" nsemig "nsemig runs in dom0 of A"
is "$(at B 'nsemig --version' | cut -d' ' -f1)" nsemig "and of B"

probe_start idle tcp $GUEST4 7007
sleep 1
probe_stop idle
ok $? "a connection works" || diag "$report"

invalid=$(counter B invalid)
probe_start plain tcp $GUEST4 7007
sleep 1
at A "xl migrate $GUEST hostB" >"$work/xl" 2>&1
is $? 0 "xl migrate A -> B" || diag "$(cat "$work/xl")"
guest_on B
ok $? "the guest runs on B"
sleep 8
probe_stop plain
isnt $? 0 "the connection is broken"
diag "$report"
at_least "$(counter B invalid)" $((invalid + 1)) "its packets were INVALID on B"
is "$(at B 'conntrack -L -p tcp --dport 7007 2>/dev/null')" "" "B has opened nothing"

in_client "nc -z -w 5 $GUEST4 7007"
ok $? "a new connection works"
at B "xl destroy $GUEST"
done_testing
