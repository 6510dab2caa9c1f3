/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How findings look: a block each, whose lines behind the first are indented.
 * On a terminal the text is wrapped; what mends it is not, so that it can be
 * copied.
 */
#include "cmd/problems.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/util/cleanup.h"

#define INDENT	  "      "
#define WIDTH_MIN 40

/* Columns for text; 0: lines are not wrapped. */
static size_t width_of(FILE *to)
{
	struct winsize ws;

	if (!isatty(fileno(to)) || ioctl(fileno(to), TIOCGWINSZ, &ws) < 0 ||
	    ws.ws_col < WIDTH_MIN)
		return 0;
	return ws.ws_col - strlen(INDENT);
}

/* How much of the line goes into one of `width`: up to a space, if there is one. */
static size_t piece(const char *line, size_t width)
{
	size_t n = strlen(line), cut = width;

	if (!width || n <= width)
		return n;
	while (cut && line[cut] != ' ')
		cut--;
	return cut ? cut : width;
}

static void print_line(FILE *to, const char *line, size_t width)
{
	/* What begins with a sign or a space is laid out already. */
	if (strchr("+- ", line[0]))
		width = 0;
	do {
		size_t n = piece(line, width);

		fprintf(to, INDENT "%.*s\n", (int)n, line);
		line += n;
		line += *line == ' ';
	} while (*line);
}

static void print_text(FILE *to, const char *text, size_t width)
{
	NSE_FREE char *copy = strdup(text);
	char *rest = copy, *line, safe[4096];

	while (rest && (line = strsep(&rest, "\n")))
		print_line(to, cmd_safe(line, safe, sizeof(safe)), width);
}

static void print_one(FILE *to, bool color, size_t width, const struct nse_problem *p)
{
	static const enum cmd_style styles[] = { CMD_CYAN, CMD_YELLOW, CMD_RED };
	char where[512], area[64], mend[2048];

	fprintf(to, "%s%s%s: %s%s%s\n", cmd_style(color, styles[p->severity]),
		nse_severity_name(p->severity), cmd_style(color, CMD_PLAIN),
		cmd_safe(p->where, where, sizeof(where)), p->where[0] ? ": " : "",
		cmd_safe(p->area, area, sizeof(area)));
	print_text(to, p->text, width);
	if (p->mend[0])
		fprintf(to, INDENT "%smend:%s %s\n", cmd_style(color, CMD_BOLD),
			cmd_style(color, CMD_PLAIN),
			cmd_safe(p->mend, mend, sizeof(mend)));
}

static void print(FILE *to, const struct cmd_common *common, const struct nse_problems *p,
		  enum nse_severity least, const struct nse_error *told)
{
	bool color = cmd_color_on(common, to);
	size_t width = width_of(to);

	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].severity >= least &&
		    !(told && strstr(told->text, p->items[i].text)))
			print_one(to, color, width, &p->items[i]);
	if (p->dropped)
		fprintf(to, "… and %zu more\n", p->dropped);
}

void cmd_problems_print(FILE *to, const struct cmd_common *common,
			const struct nse_problems *p, enum nse_severity least)
{
	print(to, common, p, least, NULL);
}

void cmd_problems_say(const struct cmd_common *common, const struct nse_problems *p,
		      enum nse_severity least, const struct nse_error *told)
{
	print(stderr, common, p, least, told);
}

const char *cmd_problems_sum(const struct nse_problems *p, char out[CMD_PROBLEMS_SUM])
{
	static const char *const words[][2] = { { "note", "notes" },
						{ "loss", "losses" },
						{ "failure", "failures" } };
	size_t len = 0;

	for (int s = NSE_FAIL; s >= NSE_NOTE; s--) {
		size_t n = nse_problems_count(p, (enum nse_severity)s);

		len += (size_t)snprintf(out + len, CMD_PROBLEMS_SUM - len, "%s%zu %s",
					len ? ", " : "", n, words[s][n != 1]);
	}
	return out;
}

int cmd_problems_status(const struct nse_problems *p)
{
	static const int status[] = { CMD_DONE, CMD_DIFFERS, CMD_FAILED };

	return status[nse_problems_worst(p)];
}
