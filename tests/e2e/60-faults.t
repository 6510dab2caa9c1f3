#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Faults of a migration: what cannot work is refused before anything happens,
# and whoever is killed or cut off in the middle leaves the domain running in
# exactly one place, with its context complete there and absent elsewhere.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe flood
export LAB_COPY_MS=300 LAB_PAUSE_MS=100

conf()
{
	echo "$LAB_STATE/host$1/nsemig.conf"
}

# migrate FROM TARGET [option]...: from host FROM; output in $work/out.
migrate_args()
{
	local from=$1 target=$2

	shift 2
	args=("$from" env "NSEMIG_CONFIG=$(conf "$from")" "$NSEMIG" migrate vm1 "$target"
		--identity "${identity:-$LAB_IDENTITY}"
		--known-hosts "${known_hosts:-$LAB_KNOWN_HOSTS}"
		--report "$work/report" "$@")
}

migrate()
{
	migrate_args "$@"
	rm -f "$work/report"
	at "${args[@]}" >"$work/out" 2>&1
}

runs_on()
{
	[[ $("$lab" status | head -n 1) == "domain vm1: host $1, "*runs ]]
}

domain_entries()
{
	at "$1" conntrack -L 2>/dev/null | grep -c "$LAB_VM4\|$LAB_CLIENT4"
}

no_entries()
{
	[ "$(domain_entries "$1")" = 0 ]
}

no_guard()
{
	! at "$1" nft list tables | grep -q nsemig-guard
}

as_before()
{
	runs_on A
	ok $? "$1: the domain runs at the source"
	at_least "$(domain_entries A)" 1 "$1: its entries are there"
	eventually no_entries B
	ok $? "$1: and not at the target" || diag "$(at B conntrack -L 2>&1)"
	{ no_guard A && no_guard B; }
	ok $? "$1: no guard is left"
	# A flow of the guest that still lives.
	at client "$helpers/probe" udp "$LAB_VM4" 7007 -t 200 >/dev/null
	ok $? "$1: the guest answers"
}

# refused NAME STATUS ERE TARGET [option]...
refused()
{
	local name=$1 status=$2 text=$3 target=$4

	shift 4
	migrate A "$target" "$@"
	is $? "$status" "$name: exit status"
	like "$(cat "$work/out")" "$text" "$name: the message"
	is "$(unexplained "$work/out" "$work/report" vm1 "$target")" "" \
		"$name: it leaves nothing open" || diag "$(cat "$work/out")"
	as_before "$name"
}

lab_up
start_answer
probe_start tcp tcp "$LAB_VM4" 7007
eventually grep -q tcp <(at A conntrack -L 2>/dev/null)
B=root@$LAB_MGMT_B

# What cannot work.
at A env "NSEMIG_CONFIG=$(conf A)" "$NSEMIG" migrate nobody "$B" >"$work/out" 2>&1
is $? 3 "unknown domain: exit status"
like "$(cat "$work/out")" "nobody.*(vm1|exist)" "unknown domain: names those that exist"
refused "target unreachable" 3 "10\.78\.0\.9" root@10.78.0.9
refused "port refused" 3 "refused" "$B:2222"
: >"$work/empty_hosts"
known_hosts=$work/empty_hosts refused "unknown host key" 3 "key" "$B"
sed "s#^\(\S* \S* \).*#\1$(cut -d' ' -f2 "$LAB_IDENTITY.pub")#" "$LAB_KNOWN_HOSTS" >"$work/wrong_hosts"
known_hosts=$work/wrong_hosts refused "wrong host key" 3 "key" "$B"
ssh-keygen -q -t ed25519 -N '' -f "$work/stranger"
identity=$work/stranger refused "no permission" 3 "does not let root log in" "$B"
refused "no nsemig there" 3 "nsemig.*(installed|PATH)" "$B" --remote-command nsemig-is-not-here
refused "something else answers" 3 "hello there" "$B" --remote-command "echo hello there;"
refused "another protocol" 3 "same nsemig version" "$B" \
	--remote-command "printf 'nsemig-session 9\\n'; sleep 2;"

# What the target cannot take.
sed -i "s/^allow = .*/allow = 192.0.2.0\/24/" "$(conf B)"
refused "not allowed there" 3 "does not accept the address" "$B"
sed -i "s/^allow = .*/allow = 10.77.0.0\/24 fd77::\/64 172.16.77.0\/24/" "$(conf B)"

# An entry that clashes: same reply side, another original one.
port=$(at A conntrack -L -p tcp 2>/dev/null | grep "dst=$LAB_VM4" |
	sed -E 's/.* sport=([0-9]+) dport=7007.*/\1/;q')
at B conntrack -I -p tcp -s "$LAB_CLIENT4" -d 10.77.0.99 --sport "$port" --dport 7007 \
	-r "$LAB_VM4" -q "$LAB_CLIENT4" --reply-port-src 7007 --reply-port-dst "$port" \
	--dst-nat "$LAB_VM4" -t 600 --state ESTABLISHED -u ASSURED,SEEN_REPLY >/dev/null 2>&1
is "$(domain_entries B)" 1 "a clashing entry is at the target"
migrate A "$B"
is $? 3 "clash: exit status"
like "$(cat "$work/out")" "clash|reply|exists" "clash: the message"
is "$(unexplained "$work/out" "$work/report" vm1 "$B")" "" "clash: it leaves nothing open" ||
	diag "$(cat "$work/out")"
is "$(domain_entries B)" 1 "clash: what was at the target is still there, and nothing else"
runs_on A
ok $? "clash: the domain runs at the source"
at B conntrack -D -p tcp -d 10.77.0.99 >/dev/null 2>&1

# The same entry is there already: it is kept.
at B conntrack -I -p tcp -s "$LAB_CLIENT4" -d "$LAB_VM4" --sport "$port" --dport 7007 \
	-t 600 --state ESTABLISHED -u ASSURED,SEEN_REPLY -m 77 >/dev/null 2>&1
migrate A "$B"
is $? 0 "entry exists: exit status"
at_least "$(jq .records.kept "$work/report")" 1 "entry exists: kept"
like "$(at B conntrack -L -p tcp 2>/dev/null)" "mark=77" "entry exists: not overwritten"
migrate B "root@$LAB_MGMT_A"
is $? 0 "and back again" || diag "$(cat "$work/out")"

# Who is killed or cut off, and when.
session_state()
{
	cat "$LAB_STATE"/hostB/state/sessions/*/state 2>/dev/null
}

phase()
{
	cat "$LAB_STATE/domain/phase"
}

moving()
{
	[ "$(phase)" != runs ]
}

reached()
{
	case $1 in
	copy) [ "$(phase)" = copy ] && [ "$(session_state)" = installing ] ;;
	committed) [ "$(phase)" = suspended ] && [ "$(session_state)" = committed ] ;;
	held) [ "$(phase)" = ready ] ;;
	released) [ "$(phase)" = runs ] && [ "$(session_state)" = committed ] ;;
	esac
}

# The processes on host $1 whose command line looks like $2.
process_on()
{
	ip netns pids "nsemig-$LAB_ID-$1" | xargs ps -o pid=,args= -p |
		awk -v like="$2" '$0 ~ like {print $1}'
}

# strike WHO: kills it; with a signal's name, that one for the target.
strike()
{
	local pid signal=KILL

	[[ $1 != [A-Z]* ]] || signal=$1
	for pid in $(
		case $1 in
		source) echo "$migrate_pid" ;;
		target) process_on B 'receive --session' ;;
		link) process_on B 'sshd: root@notty' ;;
		platform) process_on A 'platform migrate' ;;
		*) process_on B 'receive --session' ;;
		esac
	); do
		kill -s "$signal" "$pid"
	done
}

# fault WHO WHEN: strikes WHO when the migration has come to WHEN.
fault()
{
	LAB_COPY_MS=1500 LAB_PAUSE_MS=1500
	migrate_args A "$B" --timeout 5
	rm -f "$work/report"
	spawn "${args[@]}" >"$work/out" 2>&1 &
	migrate_pid=$!
	eventually moving || diag "never began"
	eventually reached "$2" || diag "never came to $2"
	strike "$1"
	wait $migrate_pid
	status=$?
	LAB_COPY_MS=300 LAB_PAUSE_MS=100
}

for when in copy committed; do
	for who in target link platform source; do
		fault $who $when
		wanted=3
		[ $who != source ] || wanted=137
		is $status $wanted "$who killed at $when: exit status" || diag "$(cat "$work/out")"
		eventually runs_on A
		as_before "$who killed at $when"
		[ $who != source ] || continue
		is "$(jq -r .result "$work/report")" aborted "$who killed at $when: the report"
		is "$(unexplained "$work/out" "$work/report" vm1 "$B")" "" \
			"$who killed at $when: the message leaves nothing open" ||
			diag "$(cat "$work/out")"
	done
done

# Behind the line: the domain runs at the target, and its context is there.
for who in target link; do
	fault $who released
	is $status 0 "$who killed at released: exit status" || diag "$(cat "$work/out")"
	runs_on B
	ok $? "$who killed at released: the domain runs at the target"
	at_least "$(domain_entries B)" 1 "$who killed at released: its entries are there"
	no_entries A
	ok $? "$who killed at released: and not at the source"
	is "$(unexplained "$work/out" "$work/report" vm1 "$B")" "" \
		"$who killed at released: the warning leaves nothing open" ||
		diag "$(cat "$work/out")"
	is "$(jq -c '[.result, .verified]' "$work/report")" '["migrated",false]' \
		"$who killed at released: the report does not claim to have verified"
	migrate B "root@$LAB_MGMT_A"
	is $? 0 "$who killed at released: the next migration works" || diag "$(cat "$work/out")"
done

# The target is told to end: it does before the line, and tells why; behind it, it
# finishes.
for told in copy:TERM committed:HUP released:INT; do
	when=${told%:*} signal=${told#*:}
	fault "$signal" "$when"
	if [ "$when" = released ]; then
		is $status 0 "target told to end at $when: exit status" || diag "$(cat "$work/out")"
		is "$(jq -c '[.result, .verified]' "$work/report")" '["migrated",true]' \
			"target told to end at $when: it finishes first"
		runs_on B
		ok $? "target told to end at $when: the domain runs at the target"
		no_entries A
		ok $? "target told to end at $when: with its entries"
		migrate B "root@$LAB_MGMT_A"
		is $? 0 "target told to end at $when: the next migration works" ||
			diag "$(cat "$work/out")"
		continue
	fi
	is $status 3 "target told to end at $when: exit status" || diag "$(cat "$work/out")"
	like "$(cat "$work/out")" "at $B: .*interrupted by SIG$signal" \
		"target told to end at $when: the message"
	like "$(cat "$work/out")" "confirms that nothing of it is left" \
		"target told to end at $when: it was waited for"
	is "$(unexplained "$work/out" "$work/report" vm1 "$B")" "" \
		"target told to end at $when: it leaves nothing open" || diag "$(cat "$work/out")"
	as_before "target told to end at $when"
done

# A platform whose program ends as if the domain had gone, though nobody let it go, and
# which does not see it any more.
cat >"$work/astray" <<END
#!/bin/bash
if [ "\$1" = migrate ]; then
	printf 'suspended\\nastray\\n'
	read -r
	touch "$work/gone"
	exit 0
fi
[ ! -e "$work/gone" ] || exit 1
exec "$LAB_STATE/hostA/platform" "\$@"
END
chmod 755 "$work" "$work/astray"
migrate A "$B" --platform "script:$work/astray"
is $? 4 "domain not seen after the undo failed: unclear" || diag "$(cat "$work/out")"
like "$(cat "$work/out")" "vm1 was perhaps moved .*'astray'" \
	"domain not seen after the undo failed: says what has happened"
like "$(cat "$work/out")" "vm1 is not seen running here .*not all was taken back here: .*never told to go" \
	"domain not seen after the undo failed: and what is known"
like "$(cat "$work/out")" "To do: look for vm1 on both hosts.*let it run on one" \
	"domain not seen after the undo failed: and what to do"
is "$(jq -r .result "$work/report")" unclear "domain not seen after the undo failed: the report"
as_before "a platform that errs"

# The link does not break but falls silent.
LAB_COPY_MS=700 LAB_PAUSE_MS=4000
migrate_args A "$B" --timeout 2
spawn "${args[@]}" >"$work/out" 2>&1 &
migrate_pid=$!
eventually reached committed
for pid in $(process_on B 'sshd: root@notty') $(process_on B 'receive --session'); do
	kill -STOP "$pid"
	stopped+=" $pid"
done
wait $migrate_pid
is $? 4 "target frozen at committed: unclear, since it cannot confirm" || diag "$(cat "$work/out")"
like "$(cat "$work/out")" "does not confirm" "target frozen at committed: the message says so"
is "$(unexplained "$work/out" "$work/report" vm1 "$B")" "" \
	"target frozen at committed: the message leaves nothing open" || diag "$(cat "$work/out")"
for pid in $stopped; do
	kill -CONT "$pid"
done
LAB_COPY_MS=300 LAB_PAUSE_MS=100
as_before "target frozen, then thawed"

# The table of the target has room for its own few connections, but not for the
# domain's: it is filled, since the limit is the whole machine's.
for ((i = 1; i <= 100; i++)); do
	echo "-A -p udp -s 198.51.100.$((i + 20)) -d $LAB_VM4 --sport $((1000 + i)) --dport 9 -t 600"
done >"$work/fill"
at A conntrack -R "$work/fill" >/dev/null 2>&1
filled=$(at B "$helpers/flood" fill 50)
ok $? "table full: the target's table is filled"
migrate A "$B"
is $? 3 "table full: exit status"
at B "$helpers/flood" drain "$filled"
at A conntrack -D -p udp --dport 9 >/dev/null 2>&1
like "$(cat "$work/out")" "nf_conntrack_max" "table full: says what to raise"
is "$(unexplained "$work/out" "$work/report" vm1 "$B")" "" "table full: it leaves nothing open" ||
	diag "$(cat "$work/out")"
as_before "table full"

probe_stop tcp
ok $? "the connection that was there all the time lives" || diag "$report"
is "$(counter A invalid)" 0 "nothing was INVALID at the source"
done_testing
