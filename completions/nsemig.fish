# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for fish. Commands, options, domains, hosts and fields are asked of
# nsemig itself, so that they are always those of the program that is installed.

# The command word of the line, if there is one already.
function __nsemig_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l skip 0
    for w in $words
        if test $skip = 1
            set skip 0
        else if test "$w" = --color
            set skip 1
        else if not string match -q -- '-*' $w
            echo $w
            return 0
        end
    end
    return 1
end

# The word at the cursor without the quotation mark that it, or a value in it, begins
# with.
function __nsemig_current
    commandline -ct | string replace -r '^(--[a-z-]+=)?["\']' '$1'
end

# The words of stdin, each behind what stands in front of the last $argv[1] in the
# word at the cursor.
function __nsemig_behind
    set -l lead (string match -r "^.*[$argv[1]]" -- $argv[2]; or echo)
    while read -l w
        echo "$lead$w$argv[3]"
    end
end

# A filter: FIELD=VALUE and ..., in quotes or up to its first space.
function __nsemig_filter
    set -l fields (nsemig help --fields 2>/dev/null)
    set -l last (string replace -r '^.*[( ]' '' -- $argv[1])
    set -l field (string match -r '^[a-z_.]+(?=!=|<=|>=|[=~<>])' -- $last)
    if test -n "$field"
        string replace -rf "^$field\t" '' -- $fields | __nsemig_behind '=~<>' $argv[1]
    else if string match -qr '[=~<>][^ ]* +[^ ]*$' -- $argv[1]
        printf '%s\n' and or | __nsemig_behind ' ' $argv[1]
    else
        string match -q '* *' -- $argv[1]
        and echo not | __nsemig_behind '( ' $argv[1]
        string match -rv '\t' -- $fields | __nsemig_behind '( ' $argv[1] =
    end
end

# A file, a domain with $argv[1] in front, or HOST:DOMAIN. The host is asked for its
# domains, and says them at once or not at all.
function __nsemig_context
    if string match -qr '^[^@/][^/]*:' -- $argv[2]
        nsemig help --domains --at (string replace -r ':[^:]*$' '' -- $argv[2]) 2>/dev/null |
            __nsemig_behind : $argv[2]
        return
    end
    nsemig help --domains 2>/dev/null | string replace -r '^' "$argv[1]"
    __fish_complete_path $argv[2]
    string match -qr '^[^@]' -- $argv[2]
    and nsemig help --hosts 2>/dev/null | __nsemig_behind @ $argv[2] :
end

# Words for a value of the kind that `nsemig help --options` names; $argv[2] is what
# there is of it.
function __nsemig_value
    switch $argv[1]
        case 'words:*'
            string split '|' -- (string replace words: '' -- $argv[1])
        case file
            __fish_complete_path $argv[2]
        case dir
            __fish_complete_directories $argv[2]
        case command
            __fish_complete_command
        case vif
            command ls /sys/class/net 2>/dev/null
        case config-key
            nsemig config --keys 2>/dev/null
        case engine
            nsemig help --engines 2>/dev/null | __nsemig_behind , $argv[2]
        case filter
            __nsemig_filter $argv[2]
        case columns
            nsemig help --columns 2>/dev/null | __nsemig_behind , $argv[2]
        case sort
            nsemig help --fields 2>/dev/null | string match -rv '\t' | __nsemig_behind - $argv[2]
        case platform
            if string match -q 'script:*' -- $argv[2]
                printf 'script:%s\n' (__fish_complete_path (string replace script: '' -- $argv[2]))
            else
                printf 'xen\nscript:\n'
            end
        case host
            nsemig help --hosts 2>/dev/null | __nsemig_behind @ $argv[2]
        case scope
            nsemig help --domains 2>/dev/null
        case scope-or-file
            nsemig help --domains 2>/dev/null
            __fish_complete_path $argv[2]
        case any-context
            __nsemig_context '' $argv[2]
        case file-or-live
            __nsemig_context @ $argv[2]
        case command-name
            nsemig help --commands 2>/dev/null
        case topic
            nsemig help --topics 2>/dev/null
    end
end

# The option lines of a command: operands, or option, name, letter, argument,
# kind, help.
function __nsemig_lines
    nsemig help --options (__nsemig_command) 2>/dev/null
end

# The kind of the value that stands behind this option, if it takes one.
function __nsemig_kind
    for line in $argv[2..-1]
        set -l f (string split \t -- $line)
        test "$f[1]" = option; or continue
        test "$f[4]" = -; and continue
        if contains -- "$argv[1]" $f[2..3]
            echo $f[5]
            return 0
        end
    end
    return 1
end

function __nsemig_options
    for line in $argv
        set -l f (string split \t -- $line)
        test "$f[1]" = option; or continue
        printf '%s\t%s\n' $f[2] $f[6]
        test "$f[3]" = -; or printf '%s\t%s\n' $f[3] $f[6]
    end
end

# How many operands stand in front of the cursor.
function __nsemig_operands
    set -l words (commandline -opc)
    set -l n -1
    set -l prev
    for w in $words[2..-1]
        if not string match -qr -- '^-.' $w; and not __nsemig_kind "$prev" $argv >/dev/null
            set n (math $n + 1)
        end
        set prev $w
    end
    echo $n
end

function __nsemig_complete
    set -l lines (__nsemig_lines)
    set -l words (commandline -opc)
    set -l cur (__nsemig_current)
    set -l kind (__nsemig_kind $words[-1] $lines)
    if test -n "$kind"
        __nsemig_value $kind $cur
    else if string match -q -- '--*=*' $cur
        set -l name (string split -m 1 = -- $cur)
        set kind (__nsemig_kind $name[1] $lines)
        and for v in (__nsemig_value $kind $name[2])
            echo $name[1]=$v
        end
    else if string match -q -- '-*' $cur
        __nsemig_options $lines
    else
        set -l operands (string replace -rf '^operands\t' '' -- $lines | string split ' ')
        set -l n (math (__nsemig_operands $lines) + 1)
        test $n -le (count $operands); or set n (count $operands)
        test $n -gt 0; and __nsemig_value $operands[$n] $cur
    end
end

# The words in front are for a program that cannot be asked.
function __nsemig_commands
    nsemig help --commands 2>/dev/null
    or printf '%s\n' snapshot show explain diff watch apply purge send receive migrate check recover config shell help
end

complete -c nsemig -f
complete -c nsemig -n 'not __nsemig_command >/dev/null' -a '(__nsemig_commands)'
complete -c nsemig -n 'not __nsemig_command >/dev/null' -l help -s h -d 'list the commands'
complete -c nsemig -n 'not __nsemig_command >/dev/null' -l version -d 'print the version'
complete -c nsemig -n 'not __nsemig_command >/dev/null' -l verbose -s v -d 'say more on stderr'
complete -c nsemig -n 'not __nsemig_command >/dev/null' -l quiet -s q -d 'say nothing but errors'
complete -c nsemig -n 'not __nsemig_command >/dev/null' -l color -xa 'auto always never'
complete -c nsemig -n 'not __nsemig_command >/dev/null' -l no-pager -d 'print long output without a pager'
complete -c nsemig -n '__nsemig_command >/dev/null' -a '(__nsemig_complete)'
