#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The progress of a migration: a line on a terminal that the platform's own
# messages do not garble, JSON for programs, nothing anywhere else.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe

# The lab's platform with something to say, in pieces as xl says it: first what
# is written over with a carriage return, then a message in two halves.
cat >"$work/platform" <<-END
	#!/bin/bash
	here=\$(ip -o link show dev br0 | grep -q 02:00:00:77:00:01 && echo A || echo B)
	if [ "\$1" = migrate ]; then
		{
			trap '' HUP
			printf 'xl: Frames 10%%\\rxl: Frames 20%%\\r'
			sleep 0.3
			printf 'xl: Saving the '
			sleep 0.3
			printf 'domain\\n'
			echo \$(date +%N) >"$work/talked"
		} </dev/null >&2 &
	fi
	exec /run/nsemig-lab-$LAB_ID/host\$here/platform "\$@"
END
chmod 755 "$work/platform"

# on_terminal ACTION WIDTH FROM TO [OPTION...]: terminal.py's summary is in $term, the
# report in $report. ACTION is its, while memory is copied, or "WHEN ACTION WHEN ACTION".
on_terminal()
{
	local action=$1 width=$2 from=$3 addr=LAB_MGMT_$4 word
	local -a then=()

	shift 4
	if [[ $action == *' '* ]]; then
		for word in $action; do
			((${#then[@]} % 3)) || then+=(--then)
			then+=("$word")
		done
	else
		then=(--then 'copying memory' "$action")
	fi
	rm -f "$work/report" "$work/talked"
	term=$(python3 "$e2e_dir/terminal.py" --width "$width" "${then[@]}" -- \
		"$lab" exec "$from" "$NSEMIG" migrate "$LAB_DOMAIN" "root@${!addr}" --identity "$LAB_IDENTITY" \
		--known-hosts "$LAB_KNOWN_HOSTS" --platform "script:$work/platform" \
		--report "$work/report" "$@")
	report=$(cat "$work/report" 2>/dev/null)
}

term()
{
	jq -r "$1" <<<"$term"
}

# What is left on the screen: rows of messages, and nothing of the line.
check_screen()
{
	is "$(term '[.screen[] | select(test("Saving the domain"))] | @json')" \
		'["xl: Saving the domain"]' "$1: the platform's message is whole and alone"
	is "$(term '[.screen[] | select(test("Frames|^nsemig: [0-9]+:"))] | @json')" '[]' \
		"$1: the line is gone at the end"
}

LAB_COPY_MS=1500 LAB_PAUSE_MS=400 lab_up
start_answer
probe_start tcp tcp "$LAB_VM4" 7007
sleep 0.3

# --- on a terminal

on_terminal nothing 100 A B
is "$(term .status)" 0 "a move on a terminal" || diag "$(term '.screen[]')"
runs_on B
ok $? "the domain runs at B"
check_screen "a move"
like "$(term '.frames[]')" "copying memory; [0-9]+ records? \([0-9.]+ [A-Za-z]+\) at root@" \
	"the line tells what is copied, and of the context"
like "$(term '.frames[]')" "settling" "and of the other steps"
is "$(term '[.frames[] | length] | max < 100')" true "it fits the terminal"
# Once more below each message that came between.
at_least "$(term '.seconds * 4 + 1 + (.screen | length) - (.frames | length) | floor')" 0 \
	"it is drawn four times a second at most" || diag "$(term '.frames[]')"
like "$(term '.screen | join("\n")')" "vm1 runs at .*, verified" "the result is told"
check_report "on a terminal"

on_terminal resize:50 100 B A
is "$(term .status)" 0 "a move while the terminal becomes narrow"
at_least "$(term '.late | length')" 3 "the line goes on"
is "$(term '[.late[] | length] | max < 50')" true "it is cut to the new width"

on_terminal ^C 100 A B
is "$(term .status)" 3 "Ctrl-C while memory is copied: aborted"
like "$(term '.screen | join("\n")')" \
	"interrupted: everything is taken back, vm1 stays here.*interrupted by SIGINT.*vm1 runs here .*, as before" \
	"it says so, and what has become of it"
is "$(term '[.screen[] | select(test("^nsemig: [0-9]+:"))] | @json')" '[]' \
	"and takes the line away"
eventually runs_on A
ok $? "the domain runs at A"
is "$(entries B)" "" "nothing of it is at B"

on_terminal 'settling ^C has.to.be.finished ^C' 100 A B
is "$(term .status)" 0 "Ctrl-C behind the line of no return: it goes on" ||
	diag "$(term '.screen[]')"
is "$(term .acted)" 2 "it was pressed twice"
is "$(term '[.screen[] | select(test("cannot be taken back"))] | length')" 2 \
	"each time it says why it has to finish"
runs_on B
ok $? "the domain runs at B"
is "$(entries A)" "" "nothing of it is left at A"
check_report "behind the line"
migrate B A
is $? 0 "and back"

# Who prints after nsemig's death must not die of it.
on_terminal SIGKILL 100 A B
is "$(term .status)" -9 "killed while memory is copied"
eventually test -s "$work/talked"
ok $? "what prints then lives on"
eventually runs_on A
ok $? "the domain runs at A"

# The target takes a moment to notice that the other end has died.
eventually migrate A B --dry-run
ok $? "a dry run finds both hosts in order" || diag "$(cat "$work/talk")"
for options in --progress=never -q; do
	on_terminal nothing 100 A B $options --dry-run
	is "$(term '[.status, .frames] | @json')" '[0,[]]' "$options: no line"
done

# --- not on a terminal

migrate A B --platform "script:$work/platform"
is $? 0 "a move without a terminal" || diag "$(cat "$work/talk")"
is "$(grep -c $'\033\|^nsemig: [0-9]*:' "$work/talk")" 0 "nothing is drawn"
like "$(cat "$work/talk")" "xl: Saving the domain" "the platform's messages pass"

migrate B A --platform "script:$work/platform" --progress json -e conntrack,expect
is $? 0 "a move with --progress json" || diag "$(cat "$work/talk")"
grep '^{' "$work/talk" >"$work/objects"
is "$(jq -s 'map(.format) | unique | @json' "$work/objects")" '"[1]"' \
	"each object has a line of its own"
like "$(cat "$work/talk")" $'\nxl: Saving the domain\n' "so has the platform's message"
is "$(jq -s '[.[].phase] | reduce .[] as $p ([]; if .[-1] == $p then . else . + [$p] end) | @json' \
	"$work/objects")" \
	"$(jq '[.phases_us | keys_unsorted[]] - ["commit", "frozen"] | @json' "$work/report")" \
	"every step is told of, in order"
is "$(jq -s 'map(.elapsed_us) | . == sort' "$work/objects")" true "the time goes on"
is "$(jq -s '.[-1].records' "$work/objects")" "$(field '.records | .carried + .kept')" \
	"the records at the target are those of the report"
is "$(jq -s '.[-1].context_bytes' "$work/objects")" "$(field '[.rounds[].bytes] | add')" \
	"so are the bytes"
at_least "$(jq -s 'map(select(.phase == "settle")) | length' "$work/objects")" 2 \
	"a step that takes long is told of again"
at A "$NSEMIG" migrate --progress sometimes vm1 host 2>"$work/talk"
is $? 2 "a word that does not exist"
probe_stop tcp
ok $? "the session lives through all of it" || diag "$(cat "$work/tcp")"
done_testing
