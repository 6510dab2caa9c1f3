# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The Test Anything Protocol for tests in bash; sourced by their lib.sh.

tap_n=0
tap_failed=0

# To stderr, since prove(1) keeps stdout to itself.
diag()
{
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*" >&2
}

# ok STATUS NAME, as in: [ a = b ]; ok $? "a is b"
ok()
{
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $2"
	diag "failed: $2"
	return 1
}

# The explanation of a failure, which stays one: so callers can add to it.
told()
{
	diag "$*"
	return 1
}

# is GOT WANTED NAME
is()
{
	[ "$1" = "$2" ]
	ok $? "$3" || told "got '$1', wanted '$2'"
}

# same GOT WANTED NAME: of many lines; tells the difference.
same()
{
	[ "$1" = "$2" ]
	ok $? "$3" || told "$(diff <(echo "$2") <(echo "$1"))"
}

# isnt GOT UNWANTED NAME
isnt()
{
	[ "$1" != "$2" ]
	ok $? "$3" || told "got '$1'"
}

# like TEXT ERE NAME
like()
{
	[[ $1 =~ $2 ]]
	ok $? "$3" || told "'$1' has nothing like '$2'"
}

# at_least NUMBER MINIMUM NAME
at_least()
{
	[ "$1" -ge "$2" ] 2>/dev/null
	ok $? "$3" || told "got '$1', wanted at least $2"
}

skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

# The plan comes last, so that a test that dies half way is seen to have died.
done_testing()
{
	echo "1..$tap_n"
	[ $tap_failed = 0 ]
}

bail_out()
{
	echo "Bail out! $*"
	exit 255
}
