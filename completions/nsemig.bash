# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for bash. Commands, options, domains, hosts and fields are asked of
# nsemig itself, so that they are always those of the program that is installed.
#
# What is being completed is in $text; $lead is what stands in front of it in the
# same word (--name=, user@, a filter so far), $strip what readline keeps of that.

# For a program that cannot be asked.
_nsemig_known='snapshot show explain diff watch apply purge send receive migrate check recover config shell help'

# Offers the words of $1, one a line.
_nsemig_words()
{
	local w

	while IFS= read -r w; do
		[[ -z $w || $w != "$text"* ]] || COMPREPLY+=("$lead$w")
	done <<<"$1"
}

# Words that nsemig tells, with what stands in front ($2) and behind ($3) of each.
_nsemig_ask()
{
	_nsemig_words "$("$nsemig" help "--$1" 2>/dev/null | cut -f1 | sed "s|^|${2:-}|; s|\$|${3:-}|")"
}

_nsemig_files()
{
	local w

	while IFS= read -r w; do
		compopt -o filenames 2>/dev/null
		COMPREPLY+=("$lead$w")
	done < <(compgen "$1" -- "$text")
}

# The part of the word up to the last $1 is not completed any more.
_nsemig_past()
{
	[[ $text != *"$1"* ]] || lead+=${text%"$1"*}$1 text=${text##*"$1"}
}

# A filter: FIELD=VALUE and ..., in quotes or up to its first space. A word that is
# the only one would close the quotes, and so each has another one beside it there.
_nsemig_filter()
{
	local field fields more=$strip

	_nsemig_past ' '
	_nsemig_past '('
	fields=$("$nsemig" help --fields 2>/dev/null)
	if [[ $text =~ ^([a-z_.]+)(!=|<=|>=|[=~<>]) ]]; then
		field=${BASH_REMATCH[1]}
		lead+=${BASH_REMATCH[0]} text=${text#"${BASH_REMATCH[0]}"}
		_nsemig_words "$(sed -n "s/^$field\t//p" <<<"$fields")"
		return
	fi
	compopt -o nospace 2>/dev/null
	if [[ $lead =~ [=~\<\>][^\ ]*\ +$ ]]; then
		_nsemig_words $'and \nand not \nor \nor not '
		return
	fi
	_nsemig_words "$(sed '/\t/d; s/$/=/' <<<"$fields")"
	[[ $more != *[\"\'] ]] ||
		_nsemig_words $'not \nnot (\n'"$(sed '/\t/d; s/$/!=/' <<<"$fields")"
}

# Completes one value of the kind that `nsemig help --options` names.
_nsemig_value()
{
	case $1 in
	words:*) _nsemig_words "$(tr '|' '\n' <<<"${1#words:}")" ;;
	file) _nsemig_files -f ;;
	dir) _nsemig_files -d ;;
	command) _nsemig_words "$(compgen -c -- "$text")" ;;
	vif) _nsemig_words "$(command ls /sys/class/net 2>/dev/null)" ;;
	config-key) _nsemig_words "$("$nsemig" config --keys 2>/dev/null)" ;;
	engine)
		_nsemig_past ,
		_nsemig_ask engines
		;;
	filter) _nsemig_filter ;;
	columns)
		_nsemig_past ,
		_nsemig_ask columns
		;;
	sort)
		[[ $text != -* ]] || lead+=- text=${text:1}
		_nsemig_words "$("$nsemig" help --fields 2>/dev/null | sed '/\t/d')"
		;;
	platform)
		if [[ $text == script:* ]]; then
			_nsemig_past :
			_nsemig_files -f
		else
			compopt -o nospace 2>/dev/null
			_nsemig_words $'xen\nscript:'
		fi
		;;
	host)
		_nsemig_past @
		_nsemig_ask hosts
		;;
	scope) _nsemig_ask domains ;;
	scope-or-file)
		_nsemig_ask domains
		_nsemig_files -f
		;;
	any-context) _nsemig_context '' ;;
	file-or-live) _nsemig_context @ ;;
	command-name) _nsemig_ask commands ;;
	topic) _nsemig_ask topics ;;
	esac
}

# A file, a domain with $1 in front, or HOST:DOMAIN, which follows without a space. The
# host is asked for its domains, and says them at once or not at all.
_nsemig_context()
{
	local n host

	if [[ $text == [!@]*:* && $text != */* ]]; then
		host=${text%:*}
		_nsemig_past :
		_nsemig_words "$("$nsemig" help --domains --at "$host" 2>/dev/null)"
		return
	fi
	_nsemig_ask domains "$1"
	[[ $text == @* ]] || _nsemig_files -f
	[[ -n $text && $text != @* && $text != */* ]] || return
	n=${#COMPREPLY[@]}
	_nsemig_past @
	_nsemig_ask hosts '' :
	((${#COMPREPLY[@]} == n)) || compopt -o nospace 2>/dev/null
}

# The words up to the cursor as the shell sees them; readline also parts them at
# characters such as = and :, and replaces only what stands behind the last one.
_nsemig_split()
{
	local rest=${COMP_LINE:0:COMP_POINT} next w i

	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		next=${rest#"${rest%%[![:space:]]*}"}
		w=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || w=$next
		if ((i > 0)) && [[ $next == "$rest" ]]; then
			words[${#words[@]} - 1]+=$w
		else
			words+=("$w")
		fi
		rest=${next#"$w"}
	done
	cur=${words[${#words[@]} - 1]}
	[[ $w != [=:] ]] || w=
	strip=${cur%"$w"}
	# An @ is replaced with what stands behind it.
	strip=${strip%@}
}

_nsemig()
{
	local nsemig=${COMP_WORDS[0]} cur strip lead='' text
	local command='' options='' prev w long letter arg what i at=0 n=0
	local -A kind=()
	local -a words operand=()

	COMPREPLY=()
	command -v "$nsemig" >/dev/null || nsemig=nsemig
	_nsemig_split
	text=$cur prev=${words[${#words[@]} - 2]}
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		[[ ${words[i]} == -* || ${words[i - 1]} == --color ]] && continue
		command=${words[i]} at=$i
		break
	done
	if [[ -z $command ]]; then
		kind[--color]='words:auto|always|never'
		options=$'--help\n--version\n--verbose\n--quiet\n--color'
		operand=(command-name)
		[[ $("$nsemig" help --commands 2>/dev/null) ]] ||
			operand=("words:${_nsemig_known// /|}")
	else
		while IFS=$'\t' read -r w long letter arg what _; do
			case $w in
			operands) read -ra operand <<<"$long" ;;
			option)
				options+=$long$'\n'
				[[ $arg == - ]] && continue
				kind[$long]=$what
				[[ $letter == - ]] || kind[$letter]=$what
				;;
			esac
		done < <("$nsemig" help --options "$command" 2>/dev/null)
	fi
	if [[ $cur == --*=* ]]; then
		lead=${cur%%=*}= text=${cur#*=} w=${kind[${cur%%=*}]:-none}
	elif [[ -n ${kind[$prev]:-} ]]; then
		w=${kind[$prev]}
	elif [[ $cur == -* ]]; then
		_nsemig_words "$options"
		w=none
	else
		for ((i = at + 1; i < ${#words[@]} - 1; i++)); do
			[[ ${words[i]} == -?* || -n ${kind[${words[i - 1]}]:-} ]] || n=$((n + 1))
		done
		((n < ${#operand[@]})) || n=$((${#operand[@]} - 1))
		((n < 0)) && return
		w=${operand[n]}
	fi
	# Inside of quotes the word begins behind them.
	[[ $text != [\"\']* ]] || strip+=${text:0:1} lead+=${text:0:1} text=${text:1}
	_nsemig_value "$w"
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=${COMPREPLY[i]#"$strip"}
	done
}

complete -F _nsemig nsemig
