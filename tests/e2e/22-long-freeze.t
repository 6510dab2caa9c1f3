#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A freeze of several seconds, as a big guest has. By then the peers' timers
# have backed off, so that the first packet comes seconds after the VM runs
# again, and repeats what was lost on the way: windows that nobody has seen
# yet must not be judged by then.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe

LAB_PAUSE_MS=4000 lab_up
start_answer
spawn vm iperf3 -s >/dev/null 2>&1 &
eventually listening vm 5201 || bail_out "iperf3 does not listen"

# In how many seconds a bulk stream moved at least one megabyte.
flowed()
{
	grep -c ' [1-9][0-9.]* MBytes' "$work/$1"
}

flows_on()
{
	[ "$(flowed "$1")" -ge $(($2 + 2)) ]
}

# bulk LOG [iperf3 options]
bulk()
{
	spawn client iperf3 -c "$LAB_VM4" -t 120 -b 400M --forceflush -f m "${@:2}" \
		>"$work/$1" 2>&1 &
}

probe_start tcp tcp "$LAB_VM4" 7007
bulk up
sleep 1
migrate A B
is $? 0 "migrate A -> B with a freeze of 4 s" || diag "$(cat "$work/talk")"
check_report "A -> B"
n=$(flowed up)
eventually flows_on up "$n"
ok $? "the bulk stream flows on" || diag "$(tail -n 12 "$work/up")"
probe_stop tcp
ok $? "the tcp session lives" || diag "$(cat "$work/tcp")"
is "$(counter B invalid)" 0 "nothing was INVALID"
kill_jobs
done_testing
