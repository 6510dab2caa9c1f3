/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stops nsemig at the moment when a step of its migration begins, runs a command
 * meanwhile, and lets it go on. The program is the one that is shipped: its steps
 * are found in its own tables, the stop is a debugger's breakpoint.
 *
 *	at_step [--once FILE] source|target STEP COMMAND -- PROGRAM [ARG]...
 *		becomes PROGRAM (process number, channel and exit status are its
 *		own). When STEP begins, sh runs COMMAND; AT_STEP_PID is the process
 *		that stands still, which COMMAND may kill. FILE, when it exists
 *		already, says that this was done; else it is made then.
 *	at_step --list source|target PROGRAM
 *		prints the steps in their order, each behind 1 when it is the line
 *		of no return, else 0.
 *
 * Exit status of its own: 2 usage, 3 failure, 77 not on this machine.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __x86_64__

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "lib/session/steps.h"

#define BREAKPOINT 0xcc /* int3 */

/* A program file in memory. */
struct elf {
	const uint8_t *bytes;
	size_t size;
	const Elf64_Ehdr *head;
	const Elf64_Shdr *sections;
};

struct step {
	char name[64];
	uint64_t run; /* address, as linked */
	bool line;
};

struct steps {
	struct step at[NSE_STEPS_MAX];
	size_t n;
};

struct order {
	const char *symbol, *step, *command, *once;
	pid_t pid;
	uint64_t at; /* where the step begins, in the process */
	long word;   /* what stands there without the breakpoint */
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "at_step: %s: %s\n", what, why ? why : strerror(errno));
	_exit(3);
}

/* false: not an executable of this machine. */
static bool elf_open(struct elf *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path, NULL);
	e->size = (size_t)st.st_size;
	e->bytes = e->size < sizeof(*e->head)
			   ? MAP_FAILED
			   : mmap(NULL, e->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (e->bytes == MAP_FAILED)
		return false;
	e->head = (const Elf64_Ehdr *)e->bytes;
	if (memcmp(e->head->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->head->e_machine != EM_X86_64 ||
	    e->head->e_shoff + (uint64_t)e->head->e_shnum * sizeof(Elf64_Shdr) > e->size)
		return false;
	e->sections = (const Elf64_Shdr *)(e->bytes + e->head->e_shoff);
	return true;
}

/* What lies in the file at an address of the program. */
static const void *elf_at(const struct elf *e, uint64_t addr)
{
	const Elf64_Phdr *p = (const Elf64_Phdr *)(e->bytes + e->head->e_phoff);

	for (int i = 0; i < e->head->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && addr >= p[i].p_vaddr &&
		    addr + sizeof(uint64_t) <= p[i].p_vaddr + p[i].p_filesz)
			return e->bytes + p[i].p_offset + (addr - p[i].p_vaddr);
	return NULL;
}

/* The address of a symbol, 0: there is none. */
static uint64_t elf_symbol(const struct elf *e, const char *name)
{
	for (int i = 0; i < e->head->e_shnum; i++) {
		const Elf64_Shdr *s = &e->sections[i];
		const Elf64_Sym *sym = (const Elf64_Sym *)(e->bytes + s->sh_offset);
		const char *names;

		if (s->sh_type != SHT_SYMTAB)
			continue;
		names = (const char *)e->bytes + e->sections[s->sh_link].sh_offset;
		for (size_t n = s->sh_size / sizeof(*sym); n > 0; n--, sym++)
			if (sym->st_value && strcmp(names + sym->st_name, name) == 0)
				return sym->st_value;
	}
	return 0;
}

/*
 * The pointer that the loader would put at an address: a relocation's, or what
 * stands there.
 */
static uint64_t elf_pointer(const struct elf *e, uint64_t addr)
{
	const uint64_t *here = elf_at(e, addr);

	for (int i = 0; i < e->head->e_shnum; i++) {
		const Elf64_Shdr *s = &e->sections[i];
		const Elf64_Rela *r = (const Elf64_Rela *)(e->bytes + s->sh_offset);

		if (s->sh_type != SHT_RELA)
			continue;
		for (size_t n = s->sh_size / sizeof(*r); n > 0; n--, r++)
			if (r->r_offset == addr &&
			    ELF64_R_TYPE(r->r_info) == R_X86_64_RELATIVE)
				return (uint64_t)r->r_addend;
	}
	return here ? *here : 0;
}

/* The table behind the symbol; false: the program has no such table. */
static bool read_steps(const struct elf *e, const char *symbol, struct steps *steps)
{
	uint64_t row = elf_symbol(e, symbol);

	if (!row)
		return false;
	for (steps->n = 0; steps->n < NSE_STEPS_MAX; row += sizeof(struct nse_step)) {
		struct step *s = &steps->at[steps->n];
		uint64_t name = elf_pointer(e, row + offsetof(struct nse_step, name));
		const bool *line = elf_at(e, row + offsetof(struct nse_step, line));
		const char *text = name ? elf_at(e, name) : NULL;

		if (!text)
			break;
		snprintf(s->name, sizeof(s->name), "%s", text);
		s->run = elf_pointer(e, row + offsetof(struct nse_step, run));
		s->line = line && *line;
		steps->n++;
	}
	return true;
}

/* Where the step begins. A function of two steps would not tell which one. */
static uint64_t find_step(const struct steps *steps, const char *name)
{
	uint64_t at = 0;

	for (size_t i = 0; i < steps->n; i++)
		if (strcmp(steps->at[i].name, name) == 0)
			at = steps->at[i].run;
	if (!at)
		die(name, "there is no such step");
	for (size_t i = 0; i < steps->n; i++)
		if (steps->at[i].run == at && strcmp(steps->at[i].name, name) != 0)
			die(name, "another step has the same function");
	return at;
}

/* How far from where it was linked the program lies in memory. */
static uint64_t load_bias(pid_t pid, const struct elf *e)
{
	Elf64_auxv_t aux;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	f = fopen(path, "re");
	while (f && fread(&aux, sizeof(aux), 1, f) == 1)
		if (aux.a_type == AT_ENTRY) {
			fclose(f);
			return aux.a_un.a_val - e->head->e_entry;
		}
	die(path, "no entry point");
	return 0;
}

static void set_breakpoint(struct order *o)
{
	long word;

	errno = 0;
	o->word = ptrace(PTRACE_PEEKTEXT, o->pid, o->at, NULL);
	word = (o->word & ~0xffL) | BREAKPOINT;
	if (errno || ptrace(PTRACE_POKETEXT, o->pid, o->at, word) < 0)
		die("setting a breakpoint", NULL);
}

/* A program has been loaded: true when it is the one, and it has its breakpoint. */
static bool arm(struct order *o)
{
	struct steps steps;
	struct elf e;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)o->pid);
	if (!elf_open(&e, path) || !read_steps(&e, o->symbol, &steps))
		return false;
	o->at = find_step(&steps, o->step) + load_bias(o->pid, &e);
	set_breakpoint(o);
	return true;
}

/* Was it our breakpoint? The process then stands ahead of it again, without it. */
static bool disarm(const struct order *o)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, o->pid, NULL, &regs) < 0 || regs.rip != o->at + 1)
		return false;
	regs.rip = o->at;
	return ptrace(PTRACE_POKETEXT, o->pid, o->at, o->word) == 0 &&
	       ptrace(PTRACE_SETREGS, o->pid, NULL, &regs) == 0;
}

static void run_command(const struct order *o)
{
	int fd = o->once ? open(o->once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
			 : 0;
	char number[16];
	pid_t child;

	if (fd < 0)
		return;
	if (fd > 0)
		close(fd);
	child = fork();
	if (child == 0) {
		snprintf(number, sizeof(number), "%d", (int)o->pid);
		setenv("AT_STEP_PID", number, 1);
		execl("/bin/sh", "sh", "-c", o->command, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

/* The channel and its end are the program's alone. */
static void let_go_of_files(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

/* One stop of the process: false when it needs no watching any more. */
static bool take_stop(struct order *o, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);

	if (event == PTRACE_EVENT_EXEC) {
		if (arm(o))
			let_go_of_files();
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		if (sig != SIGTRAP)
			return ptrace(PTRACE_LISTEN, o->pid, NULL, NULL) == 0;
		sig = 0;
	} else if (sig == SIGTRAP && o->at && disarm(o)) {
		run_command(o);
		if (ptrace(PTRACE_DETACH, o->pid, NULL, NULL) < 0)
			waitpid(o->pid, NULL, __WALL);
		return false;
	}
	ptrace(PTRACE_CONT, o->pid, NULL, sig);
	return true;
}

/* Should this end too early, the program goes as well. */
static void trace(struct order *o, int ready)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;

	if (ptrace(PTRACE_SEIZE, o->pid, NULL, options) < 0)
		die("tracing", NULL);
	setsid();
	if (write(ready, "", 1) != 1)
		die("pipe", NULL);
	close(ready);
	while (waitpid(o->pid, &status, __WALL) == o->pid && WIFSTOPPED(status))
		if (!take_stop(o, status))
			break;
	_exit(0);
}

/*
 * The tracer is nobody's child, so that the program has only those that it
 * started itself.
 */
static void start_tracer(struct order *o)
{
	int pipefd[2];
	char byte;
	pid_t child;

	o->pid = getpid();
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		die("pipe", NULL);
	child = fork();
	if (child == 0) {
		child = fork();
		if (child == 0)
			trace(o, pipefd[1]);
		_exit(child < 0);
	}
	close(pipefd[1]);
	waitpid(child, NULL, 0);
	if (read(pipefd[0], &byte, 1) != 1)
		_exit(3);
	close(pipefd[0]);
}

static const char *symbol_of(const char *end)
{
	if (strcmp(end, "source") == 0)
		return "nse_source_steps";
	return strcmp(end, "target") == 0 ? "nse_target_steps" : NULL;
}

static int list(const char *end, const char *path)
{
	const char *symbol = symbol_of(end);
	struct steps steps;
	struct elf e;

	if (!symbol)
		return 2;
	if (!elf_open(&e, path) || !read_steps(&e, symbol, &steps))
		die(path, "it has no such table of steps (is it nsemig, not stripped?)");
	for (size_t i = 0; i < steps.n; i++)
		printf("%d %s\n", steps.at[i].line, steps.at[i].name);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: at_step [--once FILE] source|target STEP COMMAND -- "
			"PROGRAM [ARG]...\n"
			"       at_step --list source|target PROGRAM\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct order o = { .once = NULL };

	if (argc == 4 && strcmp(argv[1], "--list") == 0)
		return list(argv[2], argv[3]) ? usage() : 0;
	if (argc > 3 && strcmp(argv[1], "--once") == 0) {
		o.once = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 6 || strcmp(argv[4], "--") != 0 || !symbol_of(argv[1]))
		return usage();
	o.symbol = symbol_of(argv[1]);
	o.step = argv[2];
	o.command = argv[3];
	start_tracer(&o);
	execvp(argv[5], argv + 5);
	die(argv[5], NULL);
}

#else

int main(void)
{
	fprintf(stderr, "at_step: breakpoints are known on x86-64 only\n");
	return 77;
}

#endif
