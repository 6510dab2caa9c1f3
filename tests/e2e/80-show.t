#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `nsemig show` for people: on a terminal of a known size, through the pager
# and without it, with colour and without, and its stable form for scripts.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
command -v python3 >/dev/null || skip_all "no python3"

unshare -n sleep 600 &
pid_a=$!
A() { nsenter -t $pid_a -n "$@"; }
in_namespace() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
eventually in_namespace $pid_a || bail_out "no namespace"

export NSEMIG_CONFIG=$work/conf
: >"$NSEMIG_CONFIG"
unset NO_COLOR LESS PAGER NSEMIG_PAGER COLUMNS
export TERM=xterm
file=$work/web.nsc
entry() { A conntrack -I "$@" >/dev/null 2>&1 || bail_out "conntrack -I $*"; }

for ((port = 1001; port <= 1060; port++)); do
	entry -s 10.0.0.$((port - 1000)) -d 192.0.2.1 -p tcp --sport $port --dport 443 \
		--state ESTABLISHED -u SEEN_REPLY,ASSURED -t $((port + 5000))
done
entry -s 2001:db8::9 -d 2001:db8::1 -p udp --sport 53 --dport 5353 -t 40
A "$NSEMIG" snapshot --all -o "$file" 2>/dev/null || bail_out "no snapshot"
# More of them than a pipe holds.
for ((port = 1; port <= 300; port++)); do
	entry -s 10.0.1.1 -d 192.0.2.1 -p udp --sport $port --dport 443 -t 1000
done
A "$NSEMIG" snapshot --all -o "$work/big.nsc" 2>/dev/null || bail_out "no snapshot"

# tty COLUMNSxLINES KEYS CMD...: see tests/e2e/terminal. All that came is in $seen,
# the status is $rc.
tty()
{
	seen=$("$e2e_dir/terminal" "$@" 2>&1)
	rc=$?
}
unlike()
{
	[[ ! $1 =~ $2 ]]
	ok $? "$3" || told "'$1' has something like '$2'"
}
plain() { sed -E 's/\x1b\[[0-9;?]*[a-zA-Z]//g' <<<"$seen"; }

# The pager.
cat >"$work/pager" <<-END
	#!/bin/sh
	echo "LESS=\$LESS" >"$work/paged"
	exec sed 's/^/> /'
END
chmod +x "$work/pager"
paged() { [ -e "$work/paged" ] && rm "$work/paged"; }

NSEMIG_PAGER=$work/pager PAGER=false tty 100x24 "" "$NSEMIG" show -s "$file"
is "$rc" 0 "a pager: the status"
like "$seen" '> .*Records:' "a pager: gets the output"
is "$(cat "$work/paged")" LESS=FRX "a pager: less would know how to behave"
like "$seen" $'\x1b\\[1m' "a pager: colour as on the terminal"
LESS=X NSEMIG_PAGER="$work/pager with words" tty 100x24 "" "$NSEMIG" show -s "$file"
is "$(cat "$work/paged")" LESS=X "a pager: what the user wants of less stays; it may have words"
NSEMIG_PAGER="$work/pager | tr a-z A-Z" tty 100x24 "" "$NSEMIG" --color never show -s "$file"
like "$seen" '> RECORDS:' "a pager: a line for the shell"
unlike "$seen" $'\x1b' "a pager: --color never"
rm -f "$work/paged"
for none in "" cat; do
	NSEMIG_PAGER=$none PAGER=$work/pager tty 100x24 "" "$NSEMIG" show -s "$file"
	like "$rc $seen" '^0 .*Records:' "'$none' is no pager"
done
PAGER=$work/pager tty 100x24 "" "$NSEMIG" --no-pager show -s "$file"
like "$rc $seen" '^0 .*Records:' "--no-pager in front of the command"
PAGER=$work/pager tty 100x24 "" "$NSEMIG" show --no-pager -s "$file"
like "$rc $seen" '^0 .*Records:' "--no-pager behind it"
PAGER=$work/pager "$NSEMIG" show -s "$file" >"$work/out"
[ ! -e "$work/paged" ]
ok $? "no pager but on a terminal"
PAGER=$work/pager tty 100x24 "" "$NSEMIG" show -s "$file.not"
is "$rc" 3 "a failure keeps its status"
[ ! -e "$work/paged" ]
ok $? "and needs no pager"
PAGER=/nonexistent/pager tty 100x24 "" "$NSEMIG" show -s "$file"
like "$rc $seen" '^0 .*cannot run /nonexistent/pager.*Records:' "a missing pager: said, and shown"
PAGER="/nonexistent/pager | cat >&2; exit 127" tty 100x24 "" "$NSEMIG" show -s "$file"
like "$rc $seen" '^3 .*the pager .* cannot be run' "a missing pager in a shell: no silence"
mkdir "$work/bin"
tty 100x24 "" env PATH="$work/bin" "$NSEMIG" show -s "$file"
like "$rc $seen" '^0 .*Records:' "no less: shown without"
unlike "$seen" 'nsemig:' "and without a word"
PAGER="head -n 3" tty 100x24 "" "$NSEMIG" show --json "$work/big.nsc"
is "$rc" 0 "a pager that is quit early: no error"
unlike "$seen" 'nsemig: ' "and no complaint"

if command -v less >/dev/null; then
	tty 200x24 "" "$NSEMIG" show -s "$file"
	like "$rc $seen" '^0 .*Records:' "less: ends by itself when all fits"
	tty 200x24 q "$NSEMIG" show "$file"
	is "$rc" 0 "less: q at the first page"
	like "$(plain)" '10\.0\.0\.5:' "less: the first page"
	unlike "$(plain)" '10\.0\.0\.59:' "less: not the last one"
	tty 200x24 " Gq" "$NSEMIG" show "$file"
	like "$(plain)" '10\.0\.0\.60:' "less: the last page"
else
	skip "the pager less" "not installed"
fi

done_testing
