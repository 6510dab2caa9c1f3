/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Colour, numbers, times and JSON for the commands' output.
 */
#include "cmd/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/pager.h"

bool cmd_color_on(const struct cmd_common *common, FILE *stream)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (common->color != CMD_COLOR_AUTO)
		return common->color == CMD_COLOR_ALWAYS;
	if ((no && *no) || !term || strcmp(term, "dumb") == 0)
		return false;
	return cmd_pager_shows(common, stream) || isatty(fileno(stream));
}

size_t cmd_width(const struct cmd_common *common)
{
	int fd = cmd_pager_terminal(common);
	const char *columns = getenv("COLUMNS");
	struct winsize size = { .ws_col = 0 };

	if (fd < 0)
		fd = STDOUT_FILENO;
	if (!isatty(fd))
		return 0;
	if (columns && atoi(columns) > 0)
		return (size_t)atoi(columns);
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

const char *cmd_style(bool on, enum cmd_style style)
{
	static const char *const codes[] = {
		[CMD_PLAIN] = "\033[0m",       [CMD_BOLD] = "\033[1m",
		[CMD_DIM] = "\033[2m",	       [CMD_RED] = "\033[31m",
		[CMD_GREEN] = "\033[32m",      [CMD_YELLOW] = "\033[33m",
		[CMD_CYAN] = "\033[36m",       [CMD_MOVED_FROM] = "\033[1;35m",
		[CMD_MOVED_TO] = "\033[1;36m",
	};

	return on ? codes[style] : "";
}

const char *cmd_number(uint64_t n, char out[CMD_NUMBER])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *to = out;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

const char *cmd_bytes(uint64_t n, char out[CMD_NUMBER])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n;
	size_t i = 0;

	while (v >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
		v /= 1024;
		i++;
	}
	snprintf(out, CMD_NUMBER, i ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}

const char *cmd_duration(int64_t us, char out[CMD_NUMBER])
{
	if (us < 1000)
		snprintf(out, CMD_NUMBER, "%lld us", (long long)us);
	else if (us < 1000000)
		snprintf(out, CMD_NUMBER, "%.1f ms", (double)us / 1e3);
	else
		snprintf(out, CMD_NUMBER, "%.3f s", (double)us / 1e6);
	return out;
}

const char *cmd_span(int64_t s, char out[CMD_NUMBER])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;
	int n;

	while (units[i].seconds > 1 && s < units[i].seconds)
		i++;
	n = snprintf(out, CMD_NUMBER, "%lld %s", (long long)(s / units[i].seconds),
		     units[i].name);
	s %= units[i].seconds;
	if (units[i].seconds > 1 && s >= units[i + 1].seconds)
		snprintf(out + n, CMD_NUMBER - (size_t)n, " %lld %s",
			 (long long)(s / units[i + 1].seconds), units[i + 1].name);
	return out;
}

const char *cmd_time(int64_t realtime_us, char out[CMD_TIME])
{
	int64_t part = realtime_us % 1000000;
	time_t t = (time_t)(realtime_us / 1000000);
	struct tm tm;
	size_t n;

	/* The time came in a file: any number is possible. */
	if (realtime_us < 0 || !gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900) {
		snprintf(out, CMD_TIME, "unknown");
		return out;
	}
	n = strftime(out, CMD_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CMD_TIME - n, ".%06dZ", (int)part);
	return out;
}

void cmd_say(const struct cmd_common *common, const char *fmt, ...)
{
	va_list ap;

	if (common->quiet)
		return;
	fputs("nsemig: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cmd_flush(struct nse_error *err)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return nse_errno(err, errno ? -errno : -EIO, "cannot write to stdout");
}

int cmd_json_print(json_t *json, struct nse_error *err)
{
	int rc = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	if (rc < 0)
		return nse_error(err, -EIO, "cannot write JSON to stdout");
	putchar('\n');
	return cmd_flush(err);
}

/*
 * Bytes of a letter in UTF-8; 0 for what is none, as a byte alone, and for what would
 * do more than stand there: control characters (U+009B is CSI), and those that turn
 * the text around.
 */
static size_t letter(const unsigned char *p)
{
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc2 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf5 ? 4
			       : 0;
	uint32_t c = n > 1 ? *p & (0x7fu >> n) : *p;

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return 0;
	return n;
}

const char *cmd_safe(const char *text, char *out, size_t room)
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p && n + 5 < room;) {
		size_t len = letter(p);

		if (len == 0) {
			n += (size_t)snprintf(out + n, room - n, "\\x%02x", *p++);
			continue;
		}
		memcpy(out + n, p, len);
		n += len;
		p += len;
	}
	out[n] = '\0';
	return out;
}
