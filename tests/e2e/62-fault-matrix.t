#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The fault matrix: every step of both ends of a migration, as their tables name
# them, times every fault. After each the domain runs in exactly one place, its
# context is complete there and absent elsewhere, nothing of others has changed,
# nothing is left behind, and everybody who was asked has said so.
#
#	MATRIX=REGEX      only cells whose name is like it ("source:freeze × link cut")
#	MATRIX_SHARD=I/N  only every N-th of them, from the I-th on

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe flood at_step
"$helpers/at_step" --list source "$NSEMIG" >"$work/steps.source" ||
	skip_all "the steps of $NSEMIG cannot be told"
"$helpers/at_step" --list target "$NSEMIG" >"$work/steps.target"
. "$e2e_dir/matrix.sh"

faults=(source target told platform cut frozen events full exists rules batch)
declare -A title=(
	[source]="SIGKILL of source"
	[target]="SIGKILL of target"
	[told]="SIGTERM of target"
	[platform]="SIGKILL of the platform's program"
	[cut]="link cut"
	[frozen]="link frozen"
	[events]="ENOBUFS on events"
	[full]="table full at the target"
	[exists]="EEXIST at the target"
	[rules]="rules clash at the target"
	[batch]="batch refused by the kernel"
)

# The migration in the background; it tells of itself in $events.
migration()
{
	local at_step=("$helpers/at_step" --once "$work/once" "$end" "$step"
		"echo hit \$AT_STEP_PID >$work/events; read -r _ <$work/go")
	local addr=LAB_MGMT_$to wrap=() remote=$work/remote patience=10

	rm -f "$work/once" "$work/report"
	target=root@${!addr}
	if [ "$end" = source ]; then
		wrap=("${at_step[@]}" --)
		remote=$NSEMIG
	else
		printf '#!/bin/bash\nexec %s -- %q "$@"\n' "${at_step[*]@Q}" "$NSEMIG" >"$remote"
		chmod 755 "$remote"
	fi
	case $fault in
	frozen) patience=2 ;;
	full) patience=30 ;; # to read such a table takes its time
	esac
	(
		NSEMIG_CONFIG=$LAB_STATE/host$from/nsemig.conf \
			exec nsenter --net="/run/netns/$(lab_ns "$from")" -- \
			"${wrap[@]}" "$NSEMIG" migrate vm1 "$target" \
			--identity "$LAB_STATE/identity" --known-hosts "$LAB_STATE/known_hosts" \
			--remote-command "$remote" --timeout $patience --report "$work/report" \
			</dev/null >"$work/talk" 2>&1 &
		echo "began $!" >&"$events"
		wait $!
		echo "ended $?" >&"$events"
	) 2>/dev/null &
}

# Lets it run, and strikes when it stops.
drive()
{
	local what value

	# What an earlier one may have left there.
	while read -r -t 0.01 -u "$events" what || read -r -t 0.01 -u "$go" what; do :; done
	migration
	while [ -z "$status" ]; do
		if ! read -r -t 60 -u "$events" what value; then
			found "it does not end"
			kill -9 "$migrate_pid"
			echo >&"$go"
			what=stuck
		fi
		case $what in
		began) migrate_pid=$value ;;
		ended | stuck) status=${value:-stuck} ;;
		hit)
			step_pid=$value hit=1
			"strike_$fault"
			echo >&"$go"
			;;
		esac
	done
	[ -n "$hit" ] || found "the step did not begin"
}

# cell NAME: of $end, $step, $place, $fault.
cell()
{
	local from to now domid why=() wanted=either harmless='' killed='' status='' hit='' made='' filled=''
	local lost='' thaw='' recovered='' target='' migrate_pid='' step_pid='' tries=0

	from=$(lab_get host)
	to=$(lab_other "$from")
	domid=$(lab_get domid)
	on "$from" "$NSEMIG" snapshot vm1 -o "$work/expected" 2>/dev/null
	drive
	settle_down
	# A machine that is too busy for so little patience gets more chances.
	while [ "$fault,$hit" = frozen, ] && [ "$status" = 3 ] && [ $((tries += 1)) -le 3 ]; do
		diag "$1: once more ($(tail -n 2 "$work/talk" | head -n 1))"
		status='' why=()
		drive
		settle_down
	done
	[ -z "$killed" ] || recover "$killed"
	[ "$(type -t "after_$fault")" != function ] || "after_$fault"
	judge
	runs_once
	context_is_whole
	absent "$(lab_other "$now")"
	nothing_left
	[ ${#why[@]} = 0 ]
	ok $? "$1" && return
	diag "$(printf '%s\n' "wanted: $wanted" "${why[@]}" "nsemig said:" "$(cat "$work/talk")" \
		"recovered: $recovered")"
	matrix_lab_down
	matrix_lab
}

# place INDEX LINE: of a step relative to the line of no return. At the target the
# line is crossed somewhere in the middle of that step.
place()
{
	if [ "$1" -lt "$2" ] || [ "$end,$1" = "source,$2" ]; then
		echo before
	elif [ "$1" = "$2" ]; then
		echo at
	else
		echo after
	fi
}

shard=${MATRIX_SHARD:-1/1}
cells=0 chosen=0
mkfifo "$work/events" "$work/go"
exec {events}<>"$work/events" {go}<>"$work/go"
matrix_lab
begin=${EPOCHREALTIME/[.,]/}
for end in source target; do
	line=$(grep -n '^1 ' "$work/steps.$end" | cut -d: -f1)
	mapfile -t steps < <(cut -d' ' -f2- "$work/steps.$end")
	at_least "${line:-0}" 1 "the steps of the $end have a line of no return"
	for i in "${!steps[@]}"; do
		step=${steps[i]}
		place=$(place $((i + 1)) "$line")
		for fault in "${faults[@]}"; do
			name="$end:$step × ${title[$fault]}"
			[[ $name =~ ${MATRIX:-.} ]] || continue
			chosen=$((chosen + 1))
			[ $((chosen % ${shard#*/})) = $((${shard%/*} % ${shard#*/})) ] || continue
			cells=$((cells + 1))
			if [ "$fault" = full ] && [ "$(table_size)" -gt 1000000 ]; then
				skip "$name" "filling $(table_size) entries takes too long"
			else
				cell "$name"
			fi
		done
	done
done
diag "$cells cells in $(((${EPOCHREALTIME/[.,]/} - begin) / 1000000)) s"
done_testing
