# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for bash. Commands, options and domains are asked of nsemig
# itself, so that they are always those of the program that is installed.

# For a program that cannot be asked.
_nsemig_known='snapshot show diff watch apply purge send receive migrate check recover config help'

_nsemig_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$cur")
}

_nsemig_words()
{
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Completes one value of the kind that `nsemig help --options` names.
_nsemig_value()
{
	case $1 in
	words:*) _nsemig_words "$(tr '|' ' ' <<<"${1#words:}")" ;;
	file) _nsemig_files -f ;;
	dir) _nsemig_files -d ;;
	command) _nsemig_words "$(compgen -c -- "$cur")" ;;
	vif) _nsemig_words "$(command ls /sys/class/net 2>/dev/null)" ;;
	engine) _nsemig_words "$("$nsemig" help --engines 2>/dev/null)" ;;
	platform) _nsemig_words 'xen script:' ;;
	host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
	scope) _nsemig_words "$("$nsemig" help --domains 2>/dev/null)" ;;
	scope-or-file)
		_nsemig_words "$("$nsemig" help --domains 2>/dev/null)"
		_nsemig_files -f
		;;
	file-or-live)
		_nsemig_words "$("$nsemig" help --domains 2>/dev/null | sed 's/^/@/')"
		[[ $cur == @* ]] || _nsemig_files -f
		;;
	command-name) _nsemig_words "$("$nsemig" help --commands 2>/dev/null | cut -f1)" ;;
	esac
}

_nsemig()
{
	local nsemig=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]}
	local command='' options='' operands='' prev='' w i at=0 n=0
	local -A kind=()
	local -a operand=()

	COMPREPLY=()
	command -v "$nsemig" >/dev/null || nsemig=nsemig
	for ((i = 1; i < COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		[[ $w == -* || $w == = ]] && continue
		[[ ${COMP_WORDS[i - 1]} == --color || ${COMP_WORDS[i - 1]} == = ]] && continue
		command=$w at=$i
		break
	done
	if [[ -z $command ]]; then
		if [[ $cur == -* ]]; then
			_nsemig_words '--help --version --verbose --quiet --color --no-pager'
		else
			w=$("$nsemig" help --commands 2>/dev/null | cut -f1)
			_nsemig_words "${w:-$_nsemig_known}"
		fi
		return
	fi
	while IFS=$'\t' read -r w long letter arg what _; do
		case $w in
		operands) read -ra operand <<<"$long" ;;
		option)
			options+=" $long"
			[[ $arg == - ]] && continue
			kind[$long]=$what
			[[ $letter == - ]] || kind[$letter]=$what
			;;
		esac
	done < <("$nsemig" help --options "$command" 2>/dev/null)
	# The word in front, past the "=" that bash makes a word of its own.
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [[ -n ${kind[$prev]:-} ]]; then
		_nsemig_value "${kind[$prev]}"
		return
	fi
	if [[ $cur == -* ]]; then
		_nsemig_words "$options"
		return
	fi
	for ((i = at + 1; i < COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		[[ $w == -?* || $w == = || ${COMP_WORDS[i - 1]} == = ||
			-n ${kind[${COMP_WORDS[i - 1]}]:-} ]] || n=$((n + 1))
	done
	((n < ${#operand[@]})) || n=$((${#operand[@]} - 1))
	((n < 0)) || _nsemig_value "${operand[n]}"
}

complete -F _nsemig nsemig
