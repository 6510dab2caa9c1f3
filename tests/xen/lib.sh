# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests on real Xen share: TAP (tests/tap.sh), two hosts of their own
# that go when the test ends, however it ends, and the probes. A failed test
# leaves the hosts' logs behind. With LAB_ID set, the lab of that name is used
# if it is up, and left alone.

xen_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$(readlink -f "$xen_dir/../..")
export BUILD=${BUILD:-$top/build}
lab=$xen_dir/lab
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

GUEST=guest1
GUEST4=10.77.0.10
# As cron would: no terminal, no agent, hardly an environment.
CRON="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin setsid -w"
KEY=/root/.ssh/id_ed25519

xen_cleanup()
{
	local rc=$?

	trap '' INT TERM HUP
	kill_jobs
	if [ $rc != 0 ] || [ $tap_failed != 0 ]; then
		"$lab" logs "$BUILD/xen-logs/${0##*/}"
		diag "the hosts' logs are in $BUILD/xen-logs/${0##*/}"
	fi
	[ -z "${xen_mine:-}" ] || "$lab" down
	rm -rf "$work"
}

kill_jobs()
{
	local pid

	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
}

# Boots the hosts, or takes those that run.
xen_up()
{
	[ "$(id -u)" = 0 ] || skip_all "the image's root file system needs root"
	work=$(mktemp -d)
	if [ -n "${LAB_ID:-}" ] && "$lab" ssh A true 2>/dev/null; then
		diag "using the lab '$LAB_ID' that is up"
	else
		export LAB_ID=${LAB_ID:-test-$$}
		xen_mine=1
	fi
	trap xen_cleanup EXIT
	trap 'exit 130' INT TERM HUP
	[ -z "${xen_mine:-}" ] || "$lab" up || bail_out "the hosts do not come up"
}

# at A|B COMMAND: a line for the host's shell.
at()
{
	"$lab" ssh "$@" </dev/null
}

in_client()
{
	at A "ip netns exec client $*"
}

counter()
{
	"$lab" counter "$1" "$2"
}

# What must not grow at a host, in one look, for each takes an emulated second.
counters()
{
	at "$1" "nft -j list counters" | jq -r '[.nftables[].counter | values] as $all |
		("invalid", "refused", "opened") as $n |
		"\($n) \([$all[] | select(.name == $n) | .packets] | add // 0)"'
}

# The guest, new, on host $1 and nowhere else; of /lab/$2.cfg (guest).
guest_start()
{
	local h

	# A test before this one, in the same lab, may have been broken off.
	at A "kill \$(cat /tmp/crowd.pid); rm /tmp/crowd.pid" 2>/dev/null
	for h in A B; do
		at $h "kill -KILL \$(pidof nsemig); xl destroy $GUEST; conntrack -F
			nft delete table bridge domains; nft -f /lab/domains.nft" 2>/dev/null
	done
	"$lab" guest "$1" "${2:-guest}" 2>"$work/guest" ||
		bail_out "no guest on $1: $(cat "$work/guest")"
}

# Whether the guest runs on host $1 under its own name, and not on the other.
guest_on()
{
	local other=B

	[ "$1" = A ] || other=A
	at "$1" "xl domid $GUEST" >/dev/null 2>&1 &&
		! at $other "xl domid $GUEST" >/dev/null 2>&1
}

# probe_start NAME ARG...: in the client; patient, since emulation is slow.
probe_start()
{
	local name=$1

	shift
	at A "ip netns exec client /lab/probe -d 20000 -i 200 $* \
		>/tmp/probe-$name 2>&1 & echo \$! >/tmp/probe-$name.pid"
}

# Ends a probe; its report is then in $report, and says whether it lives.
probe_stop()
{
	at A "kill \$(cat /tmp/probe-$1.pid) 2>/dev/null
		for i in \$(seq 300); do
			[ -e /proc/\$(cat /tmp/probe-$1.pid) ] || break
			sleep 0.1
		done"
	report=$(at A "tail -n 1 /tmp/probe-$1")
	[ "$(field .alive)" = true ] && [ "$(field .wrong)" = 0 ]
}

other()
{
	if [ "$1" = A ]; then echo B; else echo A; fi
}

# migrate FROM [OPTION...]: to the other host; sets $rc, $report and $said.
migrate()
{
	local from=$1

	shift
	at "$from" "rm -f /tmp/report; $CRON nsemig migrate $GUEST root@host$(other "$from") \
		--identity $KEY --report /tmp/report $*" >"$work/said" 2>&1
	rc=$?
	said=$(cat "$work/said")
	report=$(at "$from" "cat /tmp/report" 2>/dev/null)
}

# crowd_start ARG...: many flows from the client; returns when all are answered.
crowd_start()
{
	at A "ip netns exec client /lab/crowd $GUEST4 7007 -d 90000 $* \
		</dev/null >/tmp/crowd 2>&1 & echo \$! >/tmp/crowd.pid
		for i in \$(seq 600); do
			grep -qs ready /tmp/crowd && exit 0
			sleep 0.1
		done
		cat /tmp/crowd
		exit 1"
}

# Sets $crowd, a line of JSON; says whether all were answered from now on, and
# nothing came back wrong.
crowd_lives()
{
	crowd=$(at A "n=\$(wc -l </tmp/crowd); kill -USR1 \$(cat /tmp/crowd.pid) || exit
		for i in \$(seq 1200); do
			[ \$(wc -l </tmp/crowd) = \$n ] || break
			sleep 0.1
		done
		tail -n 1 /tmp/crowd")
	[ "$(jq '.alive == .flows and .wrong == 0' <<<"$crowd")" = true ]
}

crowd_stop()
{
	at A "kill \$(cat /tmp/crowd.pid) 2>/dev/null"
}

# An FTP session whose data connection is announced now and made later.
ftp_start()
{
	at A "rm -f /tmp/ftp.in; mkfifo /tmp/ftp.in
		ip netns exec client /lab/ftp_session passive $GUEST4 file 60 \
			<>/tmp/ftp.in >/tmp/ftp 2>&1 & echo \$! >/tmp/ftp.pid
		for i in \$(seq 300); do
			grep -qs armed /tmp/ftp && exit 0
			sleep 0.1
		done
		cat /tmp/ftp
		exit 1"
}

ftp_finish()
{
	at A "echo go >/tmp/ftp.in
		for i in \$(seq 900); do
			[ -e /proc/\$(cat /tmp/ftp.pid) ] || break
			sleep 0.1
		done
		cat /tmp/ftp"
}

# The guest's entries that host $1 tracks.
tracked()
{
	at "$1" "conntrack -L 2>/dev/null | grep -cw $GUEST4"
}

# What nsemig itself has put into the kernel of host $1 and not taken away.
left_over()
{
	at "$1" "nft list tables | grep nsemig; xl list | grep -e --incoming"
}

# The rules of both hosts' guests by what they are, not by what moves.
rules()
{
	at "$1" "nft -s list table bridge domains | sed -e 's/vif[0-9]*\.0/VIF/' \
		-e 's/ expires [^ ,}]*//g' -e '/10\.77\./d'"
}

# Bytes of its quota that the guest has used.
used()
{
	at "$1" "nft -j list quotas" | jq '[.nftables[].quota.used | values] | add // 0'
}

# field .NAME: of the JSON in $report; any jq filter goes.
field()
{
	jq -r "$1" <<<"$report" 2>/dev/null
}
