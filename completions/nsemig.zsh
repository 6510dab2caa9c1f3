#compdef nsemig
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for zsh. Commands, options, domains, hosts and fields are asked of
# nsemig itself, so that they are always those of the program that is installed.

# For a program that cannot be asked.
_nsemig_known=(snapshot show explain diff watch apply purge send receive migrate check recover config shell help)

# "WORD<TAB>HELP" lines with their help.
_nsemig_described() {
	local -a lines
	lines=(${(f)"$($nsemig help --$1 2>/dev/null)"})
	(($#lines)) || lines=($_nsemig_known)
	lines=(${lines/$'\t'/:})
	_describe -t commands command lines
}

# Words that nsemig tells, with what stands in front of each.
_nsemig_ask() {
	local -a found
	found=(${(f)"$($nsemig help --$1 2>/dev/null)"})
	compadd "${@:3}" -- $2$^found
}

# A filter: FIELD=VALUE and ..., in quotes or up to its first space.
_nsemig_filter() {
	local before=$PREFIX field
	local -a fields found

	fields=(${(f)"$($nsemig help --fields 2>/dev/null)"})
	compset -P '*[( ]'
	if [[ $PREFIX =~ '^([a-z_.]+)(!=|<=|>=|[=~<>])' ]]; then
		field=$match[1]
		compset -P '*[=~<>]'
		found=(${${(M)fields:#$field$'\t'*}#*$'\t'})
		compadd -S '' -- $found
	elif [[ $before =~ '[=~<>][^ ]* +[^ ]*$' ]]; then
		compadd -S ' ' -- and or
	else
		[[ $compstate[quote] ]] && compadd -S ' ' -- not
		compadd -S '=' -q -- ${fields:#*$'\t'*}
	fi
}

# A file, a domain with $1 in front, or HOST:DOMAIN. The host is asked for its
# domains, and says them at once or not at all.
_nsemig_context() {
	local host=${(Q)PREFIX%:*}
	local -a found

	if [[ $PREFIX == [^@]*:* && $PREFIX != */* ]]; then
		found=(${(f)"$($nsemig help --domains --at $host 2>/dev/null)"})
		compset -P '*:'
		compadd -- $found
		return
	fi
	_nsemig_ask domains "$1"
	_files
	[[ -z $PREFIX || $PREFIX == @* ]] && return
	compset -P '*@'
	_nsemig_ask hosts '' -S :
}

# Completes one value of the kind that `nsemig help --options` names.
_nsemig_value() {
	local -a found
	case $1 in
	words:*) compadd -- ${(s:|:)1#words:} ;;
	file) _files ;;
	dir) _files -/ ;;
	command) _command_names -e ;;
	vif) found=(/sys/class/net/*(N:t)); compadd -- $found ;;
	config-key) found=(${(f)"$($nsemig config --keys 2>/dev/null)"}); compadd -- $found ;;
	engine) compset -P '*,'; _nsemig_ask engines '' -S , -q ;;
	filter) _nsemig_filter ;;
	columns) compset -P '*,'; _nsemig_ask columns '' -S , -q ;;
	sort)
		compset -P -
		found=(${(f)"$($nsemig help --fields 2>/dev/null)"})
		compadd -- ${found:#*$'\t'*}
		;;
	platform)
		if compset -P 'script:'; then
			_files
		else
			compadd -- xen
			compadd -S '' -- script:
		fi
		;;
	host) compset -P '*@'; _nsemig_ask hosts '' ;;
	scope) _nsemig_ask domains '' ;;
	scope-or-file)
		_nsemig_ask domains ''
		_files
		;;
	any-context) _nsemig_context '' ;;
	file-or-live) _nsemig_context @ ;;
	command-name) _nsemig_described commands ;;
	topic) _nsemig_described topics ;;
	esac
}

_nsemig() {
	local nsemig=${(Q)words[1]} command w long letter arg what text prev
	local -a operand opts
	local -A kind
	integer i at=1 n=1

	(($+commands[$nsemig])) || [[ -x $nsemig ]] || nsemig=nsemig
	for ((i = 2; i < CURRENT; i++)); do
		[[ $words[i] == -* || $words[i-1] == --color ]] && continue
		command=$words[i] at=$i
		break
	done
	if [[ -z $command ]]; then
		kind[--color]='words:auto|always|never'
		opts=(--help --version --verbose --quiet --color)
		operand=(command-name)
	else
		while IFS=$'\t' read -r w long letter arg what text; do
			if [[ $w == operands ]]; then
				operand=(${(s: :)long})
			elif [[ $w == option ]]; then
				opts+=("$long:$text")
				[[ $letter == - ]] || opts+=("$letter:$text")
				[[ $arg == - ]] && continue
				kind[$long]=$what
				[[ $letter == - ]] || kind[$letter]=$what
			fi
		done < <($nsemig help --options $command 2>/dev/null)
	fi
	prev=$words[CURRENT-1]
	if [[ $PREFIX == --*=* ]]; then
		prev=${PREFIX%%=*}
		compset -P 1 '*='
		[[ -n $kind[$prev] ]] && _nsemig_value $kind[$prev]
		return
	fi
	if [[ -n $kind[$prev] ]]; then
		_nsemig_value $kind[$prev]
		return
	fi
	if [[ $PREFIX == -* ]]; then
		_describe option opts
		return
	fi
	for ((i = at + 1; i < CURRENT; i++)); do
		[[ $words[i] == -?* || -n $kind[$words[i-1]] ]] || ((n++))
	done
	((n <= $#operand)) || n=$#operand
	((n)) && _nsemig_value $operand[n]
}

_nsemig "$@"
