#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every example of the manual and of the README does what is said of it: see
# examples.py for what an example is. They run on the lab's host A, called
# hostA; web1 is a VM with some connections, and web1.nsc is its context.
# The machine's own files are not touched: /etc is a copy, /var/lib and /run/netns are
# empty.
# EXAMPLES_OF (a regular expression) chooses pages.

[ -n "${EXAMPLES_INSIDE:-}" ] || [ "$(id -u)" != 0 ] ||
	EXAMPLES_INSIDE=1 exec unshare --mount --propagation slave -- bash "$0"
. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
export LAB=$lab LAB_COPY_MS=50 LAB_PAUSE_MS=20
PATH=$(dirname "$NSEMIG"):$PATH
unset NSEMIG_CONFIG
only=${EXAMPLES_OF:-.}

private_files()
{
	mkdir -p /run/netns
	{
		mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /run/netns
	} || skip_all "no permission to mount"
	cp -a /etc "$work/etc"
	mount --bind "$work/etc" /etc
	mkdir -p /etc/nsemig "$work/here" "$work/man/man5" "$work/man/man7" "$work/man/man8"
	ln -s "$top/contrib" "$top/man" "$work/here"
	cp "$top"/man/*.5 "$work/man/man5"
	cp "$top"/man/*.7 "$work/man/man7" 2>/dev/null
	cp "$top"/man/*.8 "$work/man/man8"
	export MANPATH=$work/man
	cd "$work/here" || bail_out "no $work/here"
}

# The lab's vm2 is called web1 on both hosts.
web1_platform()
{
	local real=$LAB_STATE/host$1/platform

	mv "$real" "$real.lab"
	cat >"$real" <<-END
	#!/bin/bash
	set -o pipefail
	[ "\${2:-}" != web1 ] || set -- "\$1" vm2 "\${@:3}"
	if [ "\$1" = migrate ]; then
		"$real.lab" "\$@" || exit
		while [ -e "$work/hold" ]; do sleep 0.01; done
		exit 0
	fi
	"$real.lab" "\$@" | sed 's/"name":"vm2"/"name":"web1"/g'
	END
	chmod 755 "$real"
}

# killed-migration, for examples: web1 has left for hostB, and the process that
# moved it has died before it could remove anything here.
killed_migration()
{
	mkdir "$work/bin"
	cat >"$work/bin/killed-migration" <<-END
	#!/bin/bash
	released() { grep -qsx released "$LAB_STATE"/hostA/state/moves/*/state; }
	: >"$work/hold"
	nsemig migrate -q web1 hostB &
	for ((i = 0; i < 500; i++)); do
		! released || break
		sleep 0.01
	done
	until [ "\$(cat "$LAB_STATE/domain2/phase")" = runs ] || ((i++ > 1000)); do sleep 0.01; done
	kill -9 \$!
	rm -f "$work/hold"
	released
	END
	chmod 755 "$work/bin/killed-migration"
	PATH=$work/bin:$PATH
}

on()
{
	"$lab" shell "$@"
}

# What web1 talks about: a web server with two peers, one of them new, a question
# to a name server, and something of a tenant.
connections()
{
	local c="conntrack -I -t 5000" web1=10.77.0.11

	# shellcheck disable=SC2086
	{
		at A $c -p tcp -s 10.77.0.100 -d $web1 --sport 40001 --dport 443 \
			--state ESTABLISHED -u SEEN_REPLY,ASSURED
		at A $c -p tcp -s 10.77.0.101 -d $web1 --sport 40002 --dport 80 --state SYN_RECV
		at A $c -p udp -s $web1 -d 10.77.0.100 --sport 5353 --dport 53
		at A $c -p udp -s $web1 -d 10.77.0.100 --sport 5353 --dport 53 -w 7
	} >/dev/null 2>&1 || bail_out "no connections for web1"
}

make_lab()
{
	lab_up --domains 2
	cp "$LAB_IDENTITY" /etc/nsemig/id_ed25519
	printf 'Host gate\n\tHostName %s\n' "$LAB_MGMT_B" |
		cat - "$LAB_STATE/ssh_config" >"$work/ssh_config"
	cp "$work/ssh_config" "$LAB_STATE/ssh_config"
	web1_platform A
	web1_platform B
	killed_migration
	connections
	on A nsemig snapshot web1 -o "$work/web1.nsc" || bail_out "no snapshot of web1"
}

# Everything as it was before the last page, for the next one.
as_before()
{
	local d

	for d in vm1 web1; do
		on A nsemig snapshot "$d" >/dev/null 2>&1 ||
			on B nsemig migrate -q "$d" hostA || bail_out "$d does not come back"
	done
	on B nsemig purge -q "$work/web1.nsc" >/dev/null 2>&1
	{
		on A nsemig purge -q -e conntrack web1 &&
			on A nsemig apply -q -e conntrack "$work/web1.nsc"
	} >/dev/null || bail_out "web1 does not get its connections"
	find "$work/here" -mindepth 1 -maxdepth 1 ! -type l -exec rm -rf {} +
	on A nsemig snapshot web1 -o web1.nsc || bail_out "no snapshot of web1"
	mkdir -p /etc/nsemig/conf.d
	printf '[domain web1]\naddresses = 10.77.0.11\n' | tee new.conf >/etc/nsemig/nsemig.conf
}

# run_page FILE TUTORIAL|EXAMPLES: each is a test. Examples may stand anywhere.
run_page()
{
	local verdict name text

	while IFS=$'\t' read -r verdict name text; do
		if [ "$verdict" = skip ]; then
			skip "$name" "$text"
		else
			[ "$verdict" = ok ]
			ok $? "$name" || diag "${text//$'\x01'/$'\n'}"
		fi
	done < <(python3 "$e2e_dir/examples.py" "$1" "$2" || printf 'not\t%s can be read\t\n' "$1")
}

# What is not as the text says is found.
wrong_page()
{
	cat >"$work/wrong.8" <<-'END'
	.Sh EXAMPLES
	.Dl $ false
	.\" exits: 1
	.Dl $ true
	.Bd -literal
	$ echo 3 apples, 1.5 KiB
	12 apples, 7 MiB
	$ echo 3 apples
	3 pears
	$ echo one; echo two
	one
	$ echo one; echo two; echo three
	one
	...
	three
	.Ed
	.Bd -literal
	{"a": }
	.Ed
	.\" not run: because
	.Dl $ false
	END
	is "$(python3 "$e2e_dir/examples.py" "$work/wrong.8" EXAMPLES | cut -f1 | xargs)" \
		"not not ok not not ok not skip" "a wrong example is found"
}

private_files
wrong_page
# It begins and ends without a lab.
if [[ nsemig.8-TUTORIAL =~ $only ]]; then
	run_page "$top/man/nsemig.8" TUTORIAL
	[ ! -e "/run/nsemig-lab-$LAB_ID" ]
	ok $? "the tutorial leaves no lab behind" || "$lab" down
fi
make_lab
export lab work LAB_STATE
export -f as_before on at bail_out
for page in "$top"/man/*.[578] "$top/README.md"; do
	[[ ${page##*/} =~ $only ]] || continue
	as_before
	run_page "$page" EXAMPLES
done
done_testing
