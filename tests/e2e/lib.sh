# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the end-to-end tests share: TAP (tests/tap.sh), a lab of their own that
# goes when the test ends (however it ends), and the applications whose
# connections count.
# Sourced by each *.t; NSEMIG is the binary under test, BUILD its directory.

e2e_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$(readlink -f "$e2e_dir/../..")
export BUILD=${BUILD:-$top/build}
export NSEMIG=${NSEMIG:-$BUILD/nsemig}
helpers=$BUILD/tests/helpers
lab=$top/contrib/lab/lab
export LAB_ID=e2e-$$
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

# Ends the applications in the background.
kill_jobs()
{
	local pid

	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
}

# Every test ends here: its processes, its lab, its files. The VM thaws first,
# since a frozen process does not see a signal. A second signal (timeout(1)
# sends two) must not cut this short.
e2e_cleanup()
{
	trap '' INT TERM HUP
	[ ! -e "/run/nsemig-lab-$LAB_ID/domain" ] || "$lab" recover
	kill_jobs
	[ ! -e "/run/nsemig-lab-$LAB_ID" ] || "$lab" down
	[ -z "${work:-}" ] || rm -rf "$work"
}

e2e_start()
{
	[ "$(id -u)" = 0 ] || skip_all "namespaces need root"
	unshare --net true 2>/dev/null || skip_all "no permission to make namespaces"
	work=$(mktemp -d)
	trap e2e_cleanup EXIT
	trap 'exit 130' INT TERM HUP
}

need_nsemig()
{
	[ -x "$NSEMIG" ] || skip_all "no $NSEMIG (make)"
}

need_helpers()
{
	local h

	for h in "$@"; do
		[ -x "$helpers/$h" ] || skip_all "no $helpers/$h (make check-e2e builds it)"
	done
}

lab_up()
{
	"$lab" up "$@" || bail_out "the lab does not come up"
	eval "$("$lab" vars)"
}

# at PART CMD...: in a part of the lab. With & behind it use spawn, whose $! is
# the command's own process.
at()
{
	"$lab" exec "$@"
}

spawn()
{
	exec "$lab" exec "$@"
}

# Runs "$@" until it succeeds, at most 10 s.
eventually()
{
	local i

	for ((i = 0; i < 500; i++)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}

listening()
{
	at "$1" ss -Hltun "sport = :$2" | grep -q .
}

# The server of the probes, in the VM or in part $1.
start_answer()
{
	spawn "${1:-vm}" "$helpers/answer" --tcp 7007 --tcp 4242 --udp 7007 &
	eventually listening "${1:-vm}" 4242 || bail_out "answer does not listen"
}

# probe_start NAME ARG...: in the client (or $probe_in); its report goes to
# $work/NAME. It is patient (-d), since a busy machine is no dead connection.
probe_start()
{
	local name=$1

	shift
	spawn "${probe_in:-client}" "$helpers/probe" -d 15000 "$@" >"$work/$name" 2>&1 &
	probe_pid[$name]=$!
}
declare -A probe_pid

# A UDP flow that the VM opens and the client asks along: a probe as above,
# called knocked. The firewalls would not let the client open it, nor either end
# open it again from the middle.
knocked_start()
{
	probe_start knocked knocked 7006 "$@"
	eventually listening client 7006
	spawn vm "$helpers/answer" --knock "${knock_to:-$LAB_CLIENT4}" 7006 7008 &
	eventually listening vm 7008 || bail_out "answer does not knock"
}

# Ends a probe; its report is then in $report, its status is returned.
probe_stop()
{
	kill "${probe_pid[$1]}" 2>/dev/null
	wait "${probe_pid[$1]}"
	local rc=$?

	report=$(tail -n 1 "$work/$1")
	return $rc
}

# field .NAME: of the JSON in $report; any jq filter goes.
field()
{
	jq -r "$1" <<<"$report" 2>/dev/null
}

# An anonymous FTP server in the VM, with one file of 300000 bytes.
start_ftpd()
{
	mkdir -p "$work/ftp" "$work/empty"
	chmod 755 "$work" "$work/ftp" "$work/empty"
	seq 1 60000 | head -c 300000 >"$work/ftp/file"
	cat >"$work/vsftpd.conf" <<-END
	listen=YES
	background=NO
	anonymous_enable=YES
	anon_root=$work/ftp
	local_enable=NO
	connect_from_port_20=YES
	secure_chroot_dir=$work/empty
	isolate=NO
	isolate_network=NO
	seccomp_sandbox=NO
	no_anon_password=NO
	END
	spawn vm "$(command -v vsftpd)" "$work/vsftpd.conf" &
	eventually listening vm 21 || bail_out "vsftpd does not listen"
}

# ftp_start NAME passive|active ADDR: returns when the data connection is
# announced; ftp_finish NAME then fetches twice.
ftp_start()
{
	mkfifo "$work/$1.in"
	spawn client "$helpers/ftp_session" "$2" "$3" file \
		<"$work/$1.in" >"$work/$1" 2>&1 &
	probe_pid[$1]=$!
	# shellcheck disable=SC1083,SC2093
	exec {ftp_fd[$1]}>"$work/$1.in"
	eventually grep -qs armed "$work/$1"
}
declare -A ftp_fd

ftp_finish()
{
	echo go >&"${ftp_fd[$1]}"
	# shellcheck disable=SC1083,SC2093
	exec {ftp_fd[$1]}>&-
	wait "${probe_pid[$1]}"
}

# entries HOST: those of the domain that have not ended, one line each, without
# what moves by itself (remaining time, counters, UDP becoming assured).
entries()
{
	at "$1" conntrack -L -o extended 2>/dev/null |
		grep -E 'src=(10\.77\.|172\.16\.77\.|192\.0\.2\.|fd77:)' |
		sed -E 's/^(ipv[46] +[0-9]+ +[a-z0-9-]+ +[0-9]+) [0-9]+/\1/;
			/(TIME_WAIT|CLOSE|CLOSE_WAIT|LAST_ACK|FIN_WAIT) /d
			/ udp /s/ \[ASSURED\]//
			s/ (packets|bytes|use|id)=[0-9]+//g; s/ +/ /g' | sort
}

expectations()
{
	at "$1" conntrack -L expect 2>/dev/null | sed -E 's/^[0-9]+ //' | sort
}

# migrate FROM TO [OPTION...]: through nsemig and ssh. Its report is then in
# $report, its talk in $work/talk; returns its status.
migrate()
{
	local from=$1 addr=LAB_MGMT_$2 rc

	shift 2
	rm -f "$work/report"
	at "$from" "$NSEMIG" migrate "$LAB_DOMAIN" "root@${!addr}" \
		--identity "$LAB_IDENTITY" --known-hosts "$LAB_KNOWN_HOSTS" \
		--report "$work/report" "$@" >"$work/talk" 2>&1
	rc=$?
	report=$(cat "$work/report" 2>/dev/null)
	return $rc
}

# unexplained TALK REPORT DOMAIN TARGET: what a message of a migration that did not
# succeed, or that has not verified, leaves open, one item a line. It says what failed
# of which domain, between which hosts and in which phase, where the domain is now, and
# what to do; and it says so once.
unexplained()
{
	local talk reason said state move host

	talk=$(cat "$1") host=$(uname -n)
	move="^nsemig: $3 was .*from $host to $4, phase [a-z0-9]+ \\([^()]+\\):\$"
	if [ "$(jq -r .result "$2")" = migrated ]; then
		[ "$(jq -r .verified "$2")" = true ] || grep -q "warning: of " <<<"$talk" ||
			grep -q "warning: $3 runs at $4 .*phase settle.*: .*\`nsemig recover\`" \
				<<<"$talk" ||
			echo "why it is not verified, where, and what to do"
		return
	fi
	said=$(grep -cE "$move" <<<"$talk")
	[ "$said" = 1 ] || echo "domain, hosts and phase (said $said times)"
	reason=$(jq -r .reason "$2")
	grep -qF "$3" <<<"$reason" && grep -qF "$4" <<<"$reason" && grep -qE 'phase [a-z0-9]+ ' \
		<<<"$reason" || echo "domain, host and phase in the report"
	[ "$(wc -l <<<"$reason")" -ge 2 ] && grep -qF "$(sed -n 2p <<<"$reason")" <<<"$talk" ||
		echo "the reason, alike in the report"
	state="^        $3 (runs here|runs at|is seen|is not seen) .*\.\$"
	[ "$(grep -cE "$state" <<<"$talk")" = 1 ] || echo "where the domain is"
	sed -n '/^        To do: /,$p' <<<"$talk" | grep -qE "\`nsemig [a-z]+ ?.*\`" ||
		echo "a command that helps"
	# Nothing behind it, and no other error before it.
	[ "$(grep -vE ' records are at | from an earlier migration: ' <<<"$talk" |
		grep -c '^nsemig: ')" = 1 ] || echo "one message for one error"
}

runs_on()
{
	[[ $("$lab" status | head -n 1) == "domain vm1: host $1, "*", runs" ]]
}

# The report's promises for a move that succeeded (cli.md's fields).
check_report()
{
	local what=$1

	diag "$what: $(field '{phases_us, hold_us, records} | @json')"
	is "$(field '[.format, .result, .domain, .reason, .verified] | @json')" \
		"[1,\"migrated\",\"$LAB_DOMAIN\",null,true]" "$what: the report says migrated, verified"
	is "$(field '[.phases_us.commit, .hold_us, .rounds[0].records, .rounds[0].bytes,
		.rounds[0].us, .records.carried, .records.kept] | map(type) | unique | @json')" \
		'["number"]' "$what: it has its times and numbers"
	is "$(field '.records.refused | @json')" '[]' "$what: nothing was refused"
}

counter()
{
	"$lab" counter "$1" "$2"
}
