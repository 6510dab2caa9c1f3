# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What 62-fault-matrix.t is made of: the lab with a domain that moves and others
# that do not, the faults, what has to hold after each. Sourced behind lib.sh.
#
# A cell is one migration from host $from to host $to, which is stopped when step
# $step of its $end begins. Then its fault strikes, which sets
#
#	wanted	stay: the domain has to run at the source in the end; move: at the
#		target; either: the two race, and what counts is that all agree
#	harmless	set when nothing was hit, or nothing of it may be noticed
#	killed	the host on which nsemig recover has to be called, if any

# shellcheck source=contrib/lab/common.sh
. "$top/contrib/lab/common.sh"

export LAB_COPY_MS=20 LAB_PAUSE_MS=20
rules="bridge domains"
crowd_from=198.51.100.1 # the domain's flows: from here, ports 1024 and up
crowd=120
longest_s=432000 # nothing in the lab lives longer by itself
freeze_s=4.6 # longer than both ends' patience with --timeout 2

on()
{
	NSEMIG_CONFIG=$LAB_STATE/host$1/nsemig.conf lab_in "$@"
}

# Another domain on each host: entries, rules with counts, elements of shared maps.
other_domain()
{
	local host=$1 addr=$2

	lab_in "$host" nft -f - <<-END
	table $rules {
		set web_peers { type ipv4_addr; counter; elements = { 203.0.113.5, 203.0.113.6 } }
		chain web { ip saddr $addr counter packets 11 bytes 1111 accept; }
	}
	add element $rules from_vif { "vif9000.0" : jump web }
	add element $rules to_vif { "vif9000.0" : jump web }
	table inet web {
		counter c { packets 5 bytes 500; }
		quota q { over 10 mbytes used 3 kbytes; }
		set s { type inet_service; elements = { 80, 443 } }
		chain x { tcp dport @s counter packets 3 bytes 300; quota name "q" drop; }
	}
	END
	lab_in "$host" "$helpers/flood" burst 198.51.102.1 "$addr" 20 20 >/dev/null &&
		lab_in "$host" conntrack -I -p tcp -s 198.51.102.2 -d "$addr" --sport 5000 --dport 80 \
		-t 86400 --state ESTABLISHED -u ASSURED,SEEN_REPLY -m 9 >/dev/null 2>&1
}

# The map behind which the domain's chain hangs has room for one more element.
narrow_map()
{
	lab_in "$1" nft -f - <<-END
	flush chain $rules forward
	delete map $rules to_vif
	add map $rules to_vif { type ifname : verdict; size 3; }
	add rule $rules forward iifname vmap @from_vif
	add rule $rules forward oifname vmap @to_vif
	END
}

# others HOST: whatever is there and not the moving domain's, with handles, ids and
# counts, but for what the firewall of the whole host counts.
others()
{
	lab_in "$1" conntrack -L -o extended,id 2>/dev/null | grep -F 10.77.0.9 |
		sed -E 's/^(ipv[46] +[0-9]+ +[a-z0-9-]+ +[0-9]+) [0-9]+/\1/' | sort
	lab_in "$1" nft -j list ruleset | jq -cS '.nftables[]
		| select(has("metainfo") | not)
		| if .map.elem then .map.elem |= map(select(tostring | test("vm1") | not)) else . end
		| select(.counter.table != "filter")
		| select(tostring | test("vm1") | not)' | sort
}

matrix_lab()
{
	lab_up
	start_answer
	for h in A B; do
		narrow_map $h
	done
	lab_in A nft add element "$rules" to_vif '{ "vif5.0" : jump vm1_to }'
	{ other_domain A 10.77.0.98 && other_domain B 10.77.0.99; } ||
		bail_out "no other domains"
	lab_in A "$helpers/flood" burst $crowd_from "$LAB_VM4" $crowd $crowd >/dev/null ||
		bail_out "no flows of the domain"
	probe_start tcp tcp "$LAB_VM4" 7007 -i 20 -p 50
	eventually grep -q '[1-9]$' "$work/tcp" || bail_out "the guest does not answer"
	for h in A B; do
		others $h >"$work/others$h"
	done
	bursts=0
}

matrix_lab_down()
{
	"$lab" down
	kill_jobs
}

found()
{
	why+=("$*")
}

# --- the faults

# processes HOST PATTERN: whose command line has it.
processes()
{
	ip netns pids "$(lab_ns "$1")" | xargs -r ps -o pid=,args= -p |
		awk -v like="$2" '$0 ~ like {print $1}'
}

none_of()
{
	[ -z "$(processes "$@")" ]
}

# lethal PID...: kills them all, but for what has ended by itself just now. Where
# nobody was hit there is nobody to notice.
lethal()
{
	local pid hits=0

	for pid in "$@"; do
		if kill -9 "$pid" 2>/dev/null; then
			hits=$((hits + 1))
		elif [ -e "/proc/$pid" ]; then
			found "cannot kill $pid"
		fi
	done
	case $hits,$place in
	0,*) wanted=move harmless=1 ;;
	*,before) wanted=stay ;;
	*,at) wanted=either ;;
	*,after) wanted=move ;;
	esac
}

# The target may know of the release before the platform does.
strike_source()
{
	lethal "$migrate_pid"
	[ "$end,$place" != target,after ] || wanted=either
	killed=$from
}

# The source goes on when it has had the time to notice.
strike_target()
{
	local pids=$step_pid

	[ "$end" = target ] || pids=$(processes "$to" 'receive --session')
	# shellcheck disable=SC2086
	lethal $pids
	[ -z "$pids" ] || killed=$to
	sleep 0.1
}

# Asked to end, it takes back what it can, and finishes what it cannot.
strike_told()
{
	local pids=$step_pid

	[ "$end" = target ] || pids=$(processes "$to" 'receive --session')
	case $place,$pids in
	*,) wanted=move harmless=1 ;;
	before,*) wanted=stay ;;
	after,*) wanted=move harmless=1 ;;
	esac
	[ "$step" != release ] || wanted=either
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -TERM $pids || found "cannot tell $pids to end"
	sleep 0.4
}

# What it had been told, or not, before it died decides where the domain is.
strike_platform()
{
	# shellcheck disable=SC2046
	lethal $(processes "$from" 'platform migrate')
	[ "$wanted,$place" != move,after ] || [ -n "$harmless" ] || wanted=either
}

strike_cut()
{
	# shellcheck disable=SC2046
	lethal $(processes "$to" 'sshd: root')
	sleep 0.1
}

# Nothing passes between the hosts for a while, and nobody is told.
strike_frozen()
{
	local h

	case $place in
	before) wanted=stay ;;
	at) wanted=either ;;
	after) wanted=move ;;
	esac
	# The first words are waited for with more patience; and the source goes
	# over the line without the target's help when that has committed.
	case $(cat "$LAB_STATE/host$to"/state/sessions/*/state 2>&1) in
	gather | installing) ;;
	*) [ $place = after ] || wanted=either ;;
	esac
	for h in A B; do
		lab_in $h nft "add table netdev frozen; add chain netdev frozen in" \
			"{ type filter hook ingress device mg0 priority -500; policy drop; }"
	done
	(
		sleep $freeze_s
		lab_in A nft delete table netdev frozen
		lab_in B nft delete table netdev frozen
	) &
	thaw=$!
}

after_frozen()
{
	[ -z "$thaw" ] || wait "$thaw"
}

# Many entries come and go at the source. As long as the domain runs there some
# remain, and an older one goes: the target has to learn of it. A source that is
# not at a step is stopped, so that it does not see what nobody has sent.
strike_events()
{
	local keep=0 heard

	wanted=move harmless=1 bursts=$((bursts + 1))
	[ "$end" = source ] || kill -STOP "$migrate_pid"
	case $(lab_get host),$(lab_get phase) in
	"$from",runs | "$from",copy)
		keep=3
		lab_in "$from" conntrack -D -p udp -s $crowd_from -d "$LAB_VM4" \
			--sport $((1023 + bursts)) >/dev/null 2>&1
		;;
	esac
	heard=$(lab_in "$from" "$helpers/flood" burst 198.51.101.$bursts "$LAB_VM4" 2000 $keep \
		"$migrate_pid")
	[ "${heard% *}" = "${heard#* }" ] || found "no event was lost ($heard)"
	[ $keep = 0 ] || [ "$heard" = "0 0" ] || lost=1
	[ $keep = 0 ] || on "$from" "$NSEMIG" snapshot vm1 -o "$work/expected" 2>/dev/null
	[ "$end" = source ] || kill -CONT "$migrate_pid"
}

domain_entries()
{
	lab_in "$1" conntrack -L 2>/dev/null | grep -c -F -e "=$LAB_VM4 " -e "=$LAB_VM6 "
}

table_size()
{
	sysctl -n net.netfilter.nf_conntrack_max
}

strike_full()
{
	local have

	have=$(domain_entries "$to")
	filled=$(lab_in "$to" "$helpers/flood" fill 50) || found "the table is not full"
	case $((have > 0)),$place in
	0,before) wanted=stay ;;
	1,after) wanted=move harmless=1 ;;
	*) wanted=either ;;
	esac
}

after_full()
{
	[ -z "$filled" ] || lab_in "$to" "$helpers/flood" drain "$filled"
}

# An entry at the target whose answers look like those of one of the domain's
# flows. Where the domain's is there already the kernel makes it another one.
strike_exists()
{
	local port=$((1023 + crowd)) in_the_way

	lab_in "$to" conntrack -I -p udp -s $crowd_from -d 10.77.0.97 --sport $port --dport 9 \
		-r "$LAB_VM4" -q $crowd_from --reply-port-src 9 --reply-port-dst $port \
		--dst-nat "$LAB_VM4" -t 600 -u ASSURED,SEEN_REPLY -m 4 >/dev/null 2>&1 ||
		found "no entry to be in the way"
	in_the_way=$(lab_in "$to" conntrack -L -p udp -d 10.77.0.97 2>/dev/null)
	wanted=stay made=1
	[[ $in_the_way == *" src=$LAB_VM4 dst=$crowd_from sport=9 dport=$port "* ]] ||
		wanted=move harmless=1
}

after_exists()
{
	[ -z "$made" ] ||
		[ "$(lab_in "$to" conntrack -D -p udp -d 10.77.0.97 -m 4 2>/dev/null | wc -l)" = 1 ] ||
		found "the entry that was in the way is gone"
}

# A chain of the same name at the target, with other rules.
strike_rules()
{
	if lab_in "$to" nft "create chain $rules vm1_to
		add rule $rules vm1_to tcp dport 135 drop" 2>/dev/null; then
		wanted=stay
		made=$(lab_in "$to" nft -a list chain $rules vm1_to)
	else
		wanted=move harmless=1
	fi
}

after_rules()
{
	[ -n "$made" ] || return 0
	[ "$(lab_in "$to" nft -a list chain $rules vm1_to 2>&1)" = "$made" ] ||
		found "the chain that was in the way is another"
	lab_in "$to" nft "flush chain $rules vm1_to; delete chain $rules vm1_to" ||
		found "the chain that was in the way is in use"
}

# No room in the map for the domain's element: nobody but the kernel says so.
strike_batch()
{
	made=0 wanted=stay
	if lab_in "$to" nft list map $rules to_vif | grep -q vm1; then
		wanted=move harmless=1
	fi
	while [ $made -lt 9 ] &&
		lab_in "$to" nft add element $rules to_vif "{ \"full$made\" : accept }" 2>/dev/null; do
		made=$((made + 1))
	done
	[ $made -lt 9 ] || found "the map does not become full"
}

after_batch()
{
	local i

	for ((i = 0; i < ${made:-0}; i++)); do
		lab_in "$to" nft delete element $rules to_vif "{ \"full$i\" }"
	done
}

# --- what has to hold

journals()
{
	find "$LAB_STATE/host$1/state/sessions" "$LAB_STATE/host$1/state/moves" -mindepth 1 \
		-maxdepth 1 2>/dev/null
}

# What is still under way comes to its end by itself; a step that begins so late
# is not held up.
settle_down()
{
	local what value i

	for ((i = 0; i < 500; i++)); do
		[ "$(lab_get phase)" != runs ] || ! none_of "$to" 'receive --session' ||
			! none_of "$from" 'platform migrate' || return 0
		read -r -t 0.05 -u "$events" what value || continue
		[ "$what" != hit ] || echo >&"$go"
	done
	found "it does not come to an end: $(lab_get phase); $(processes "$to" 'receive --session' |
		xargs -r ps -o args= -p)"
}

recover()
{
	local said

	said=$(on "$1" "$NSEMIG" recover 2>&1) || found "recover on $1: status $?: $said"
	recovered="$1: $said"
}

# The exit status, the report and the domain's whereabouts are of one opinion.
judge()
{
	local told

	now=$(lab_get host)
	case $wanted,$now in
	either,* | stay,"$from" | move,"$to") ;;
	*) found "the domain runs on $now and not at the $([ $wanted = move ] && echo target ||
		echo source)" ;;
	esac
	if [ "$fault" = source ]; then
		[ "$status" = 137 ] && [ ! -e "$work/report" ] ||
			found "exit status $status of one that was killed, or a report"
		return
	fi
	[ -z "$lost" ] || [ "$(jq '.follow.resyncs > 0' "$work/report")" = true ] ||
		found "events were lost, and the report does not tell of it"
	told=$(unexplained "$work/talk" "$work/report" vm1 "$target")
	[ -z "$told" ] || found "the message leaves open: $told"
	told=$(jq -r '"\(.format) \(.result) \(.verified) \(.reason != null)"' "$work/report" 2>&1)
	case $now,$status,$told in
	"$from,3,1 aborted false true" | "$to,0,1 migrated true false") ;;
	"$to,0,1 migrated false false")
		[ -z "$harmless" ] || found "it was not verified, and nothing was in the way"
		;;
	*) found "runs on $now, exit status $status, the report: $told" ;;
	esac
}

runs_once()
{
	local id vifs answered

	id=$(lab_get domid)
	vifs=$(lab_find_vifs)
	[ "$(lab_get phase)" = runs ] || found "the domain is $(lab_get phase)"
	[ "$vifs" = "$now vif$id.0 0" ] || found "its interfaces: $vifs"
	answered=$(tail -n 1 "$work/tcp")
	eventually answers_more "${answered#* }" || found "its connection is dead: $(tail -n 1 "$work/tcp")"
}

answers_more()
{
	local line

	line=$(tail -n 1 "$work/tcp")
	[ "${line#* }" -gt "$1" ] 2>/dev/null
}

# records FILE [OPTION]...: one a line, without what moves by itself.
records()
{
	"$NSEMIG" show --json "${@:2}" "$1" | jq -cS '.records[] | {engine, type, key, body}' | sort
}

# What the domain had before is there, and nothing else.
context_is_whole()
{
	local id differs

	id=$(lab_get domid)
	on "$now" "$NSEMIG" snapshot vm1 -o "$work/now" 2>"$work/snapshot" ||
		found "no snapshot: $(cat "$work/snapshot")"
	if [ "$id" = "$domid" ]; then
		differs=$("$NSEMIG" diff "$work/expected" "$work/now" 2>&1)
	else
		differs=$(diff <(records "$work/expected" --map-vif "vif$domid.0=vif$id.0") \
			<(records "$work/now"))
	fi
	# shellcheck disable=SC2181
	[ $? = 0 ] || found "its context differs: $(head -c 3000 <<<"$differs")"
	differs=$(lab_in "$now" conntrack -L 2>/dev/null | grep -F "=$LAB_VM4 " |
		awk -v max=$longest_s '$3 > max')
	[ -z "$differs" ] || found "entries that live too long: $(head -n 3 <<<"$differs")"
}

absent()
{
	local left

	left=$(lab_in "$1" conntrack -L 2>/dev/null | grep -F -e "=$LAB_VM4 " -e "=$LAB_VM6 " |
		head -n 3)
	left+=$(lab_in "$1" nft list ruleset | grep vm1)
	[ -z "$left" ] || found "left on $1: $left"
}

# A dump loses entries when somebody changes the size of the kernel's hash table
# meanwhile: it may be looked at twice.
as_before()
{
	others "$1" | cmp -s "$work/others$1" - || ! sleep 0.3
}

nothing_left()
{
	local h f

	for h in A B; do
		f=$(journals $h)
		[ -z "$f" ] || found "a journal is left on $h: $f"
		for f in "$LAB_STATE/host$h"/state/locks/*; do
			[ ! -e "$f" ] || flock -n "$f" true || found "a lock is left on $h: $f"
		done
		as_before $h || as_before $h ||
			found "what is not the domain's has changed on $h: $(others $h |
				diff "$work/others$h" -)"
	done
}
