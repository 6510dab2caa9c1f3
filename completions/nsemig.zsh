#compdef nsemig
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for zsh. Commands, options and domains are asked of nsemig
# itself, so that they are always those of the program that is installed.

# For a program that cannot be asked.
_nsemig_known=(snapshot show diff watch apply purge send receive migrate check recover config help)

_nsemig_commands() {
	local -a lines commands
	lines=(${(f)"$($nsemig help --commands 2>/dev/null)"})
	(($#lines)) || lines=($_nsemig_known)
	commands=(${lines/$'\t'/:})
	_describe command commands
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
	engine) found=(${(f)"$($nsemig help --engines 2>/dev/null)"}); compadd -- $found ;;
	platform) compadd -S '' -- xen script: ;;
	host) _hosts ;;
	scope) compadd -- ${(f)"$($nsemig help --domains 2>/dev/null)"} ;;
	scope-or-file)
		compadd -- ${(f)"$($nsemig help --domains 2>/dev/null)"}
		_files
		;;
	file-or-live)
		found=(${(f)"$($nsemig help --domains 2>/dev/null)"})
		compadd -- @$^found
		_files
		;;
	command-name) _nsemig_commands ;;
	esac
}

_nsemig() {
	local nsemig=${(Q)words[1]} command w long letter arg what text prev cur
	local -a operand opts
	local -A kind
	integer i at=0 n=1

	(($+commands[$nsemig])) || [[ -x $nsemig ]] || nsemig=nsemig
	for ((i = 2; i < CURRENT; i++)); do
		[[ $words[i] == -* || $words[i-1] == --color ]] && continue
		command=$words[i] at=$i
		break
	done
	if [[ -z $command ]]; then
		if [[ $PREFIX == -* ]]; then
			compadd -- --help --version --verbose --quiet --color --no-pager
		else
			_nsemig_commands
		fi
		return
	fi
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
	prev=$words[CURRENT-1]
	if [[ $PREFIX == --*=* ]]; then
		prev=${PREFIX%%=*}
		compset -P '*='
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
