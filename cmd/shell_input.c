/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal: readline with our own way of waiting, so that signals are seen
 * between two keys and nowhere else, the prompt, and the history's file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "cmd/shell.h"
#include "lib/util/cleanup.h"
#include "lib/util/config.h"
#include "lib/util/io.h"

#define HISTORY_MAX 1000 /* commands that are kept */
#define FILTER_MAX  40	 /* bytes of the filter in the prompt */
#define ABORT	    7	 /* Ctrl-G: ends a search and the like */

/* Readline's callbacks have no argument of their own. */
static struct shell *shell;
static bool dropped; /* the line that readline returns is not to be run */

/* Ctrl-C: out of a search, else out of the line. */
static int interrupted(void)
{
	if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG |
		       RL_STATE_MOREINPUT | RL_STATE_COMPLETING | RL_STATE_METANEXT |
		       RL_STATE_VIMOTION))
		return ABORT;
	fputs("^C", rl_outstream);
	dropped = true;
	return '\r';
}

static void stopped(void)
{
	rl_deprep_terminal();
	shell_signals_stop();
	rl_prep_terminal(1);
	rl_resize_terminal();
	rl_forced_update_display();
}

/* The key that a signal is, 0: none, EOF: the shell ends. */
static int on_signal(void)
{
	switch (shell_signals_next(&shell->signals)) {
	case SIGINT:
		return interrupted();
	case SIGTSTP:
		stopped();
		return 0;
	case SIGWINCH:
		rl_resize_terminal();
		return 0;
	case SIGTERM:
	case SIGHUP:
		dropped = true;
		return EOF;
	}
	return 0;
}

static int get_key(FILE *in)
{
	struct pollfd p[] = { { .fd = fileno(in), .events = POLLIN },
			      { .fd = shell->signals.fd, .events = POLLIN } };
	unsigned char c;
	ssize_t n;
	int key;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			return EOF;
		if (p[1].revents) {
			key = on_signal();
			if (key)
				return key;
		} else if (p[0].revents) {
			n = read(fileno(in), &c, 1);
			if (n == 1)
				return c;
			if (n == 0 || (errno != EAGAIN && errno != EINTR))
				return EOF;
		}
	}
}

/* PARENT/NAME for writing, made with the rights that it shall have; or NULL. */
static char *history_in(const char *parent, const char *name)
{
	struct nse_error unused = { 0 };
	char *path = NULL;
	struct stat st;
	int fd;

	if (nse_mkdirs(parent, 0700, &unused) < 0 ||
	    asprintf(&path, "%s/%s", parent, name) < 0)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    fchmod(fd, 0600) == 0) {
		close(fd);
		return path;
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return NULL;
}

/* In the state directory; who may not write there has one at home. */
static char *history_file(void)
{
	NSE_CLEANUP(nse_config_release) struct nse_config config = { 0 };
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct nse_error unused = { 0 };
	NSE_FREE char *own = NULL;
	char *path = NULL;

	if (nse_config_load(&config, &unused) == 0)
		path = history_in(config.state_dir, "shell_history");
	if (path || !home || *home != '/')
		return path;
	if (asprintf(&own, "%s%s/nsemig", state && *state == '/' ? state : home,
		     state && *state == '/' ? "" : "/.local/state") < 0) {
		own = NULL;
		return NULL;
	}
	return history_in(own, "shell_history");
}

int shell_input_open(struct shell *sh, struct nse_error *err)
{
	shell = sh;
	rl_readline_name = "nsemig";
	rl_outstream = isatty(STDOUT_FILENO) ? stdout : stderr;
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	/* COLUMNS in the environment would outlive a change of the window. */
	rl_change_environment = 0;
	rl_getc_function = get_key;
	/* One TAB shows what there is; the user's own inputrc comes later. */
	rl_variable_bind("show-all-if-ambiguous", "on");
	if (rl_initialize() != 0)
		return nse_error(err, -EIO, "the terminal cannot be set up");
	using_history();
	stifle_history(HISTORY_MAX);
	sh->history = history_file();
	if (sh->history)
		read_history(sh->history);
	shell_complete_init(sh);
	return 0;
}

void shell_input_close(struct shell *sh)
{
	/* Others may have added theirs meanwhile: the file is cut, not written anew. */
	if (sh->history)
		history_truncate_file(sh->history, HISTORY_MAX);
	free(nse_take(sh->history));
	clear_history();
}

/* Escape sequences have no width: readline has to know where they are. */
static const char *style(bool color, enum cmd_style which)
{
	static const char *const codes[] = {
		[CMD_PLAIN] = "\001\033[0m\002",
		[CMD_BOLD] = "\001\033[1m\002",
		[CMD_CYAN] = "\001\033[36m\002",
	};

	return color ? codes[which] : "";
}

/* "nsemig web1 [proto=tcp]> " */
static char *make_prompt(const struct shell *sh)
{
	bool color = cmd_color_on(&sh->common, rl_outstream);
	const struct shell_context *c = &sh->context;
	char filter[FILTER_MAX] = "", name[256] = "", *prompt = NULL;
	bool cut = false;

	if (c->name)
		cmd_safe(c->name, name, sizeof(name));
	if (c->filter)
		cmd_safe(c->filter, filter, sizeof(filter));
	cut = c->filter && strlen(filter) < strlen(c->filter);
	if (asprintf(&prompt, "nsemig%s%s%s%s%s%s%s%s%s%s> ", *name ? " " : "",
		     *name ? style(color, CMD_BOLD) : "", name,
		     *name ? style(color, CMD_PLAIN) : "", *filter ? " [" : "",
		     *filter ? style(color, CMD_CYAN) : "", filter, cut ? "..." : "",
		     *filter ? style(color, CMD_PLAIN) : "", *filter ? "]" : "") < 0)
		return NULL;
	return prompt;
}

/* Lines that begin with a blank are not kept, nor one twice in a row. */
static void remember(const struct shell *sh, const char *line)
{
	HIST_ENTRY *last =
		history_length ? history_get(history_base + history_length - 1) : NULL;

	if (!*line || *line == ' ' || (last && strcmp(last->line, line) == 0))
		return;
	add_history(line);
	if (sh->history)
		append_history(1, sh->history);
}

char *shell_input_line(struct shell *sh)
{
	for (;;) {
		NSE_FREE char *prompt = make_prompt(sh);
		char *line;

		dropped = false;
		line = prompt ? readline(prompt) : NULL;
		if (!line || sh->signals.ended) {
			if (!sh->signals.ended)
				fputs("\n", rl_outstream);
			free(line);
			return NULL;
		}
		if (!dropped) {
			remember(sh, line);
			return line;
		}
		free(line);
	}
}

void shell_input_history(size_t n)
{
	int from = n && n < (size_t)history_length ? history_length - (int)n : 0;

	for (int i = from; i < history_length; i++)
		printf("%5d  %s\n", i + 1, history_get(history_base + i)->line);
}
