/* policy-convert - a GGUF as a policy folder, and back. See man/policy-convert.1. */
#include "base/dir.h"
#include "base/tool.h"
#include "policy/ggufconvert.h"
#include "stream/columns.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

static const char *output, *type_word = "same";
static bool info;

static const struct opt opts[] = {
	{'o', "output", "PATH", OPT_STR, &output, 0, 0,
	 "folder or file to make; must not exist yet"},
	{0, "type", GGUF_TYPE_WORDS, OPT_WORD, &type_word, 0, 0,
	 "of the weights; same: as they came, quantised ones f32"},
	{0, "info", NULL, OPT_FLAG, &info, 0, 0, "show the keys and tensors of a GGUF"},
	{0}};
static const struct tool tool = {
	"policy-convert", "PATH",
	"A GGUF file as a policy folder, or a policy folder as a GGUF file.", opts};

static bool is_folder(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

/* A line each: key, tab, value, with what is no line's as an escape */
static void show_key(const struct gguf *g, const struct gguf_key *k)
{
	struct buf value = {0}, line = {0};
	struct span name = gguf_name(g, k);

	gguf_show(g, k, &value);
	columns_escape(&line, name.p, name.n);
	buf_char(&line, '\t');
	columns_escape(&line, value.p ? value.p : "", value.n);
	buf_char(&line, '\n');
	out_write(out_stdout(), line.p, line.n);
	buf_free(&value);
	buf_free(&line);
}

/* Dimensions as model.safetensors has them: rows first */
static void show_tensor(const struct gguf_tensor *t)
{
	struct buf line = {0};

	columns_escape(&line, t->name, strlen(t->name));
	buf_printf(&line, "\t%s", t->type->name);
	for (int i = t->rank - 1; i >= 0; i--)
		buf_printf(&line, " %llu", (unsigned long long)t->dim[i]);
	buf_char(&line, '\n');
	out_write(out_stdout(), line.p, line.n);
	buf_free(&line);
}

static int show(const char *path, struct reason *why)
{
	struct gguf g;
	int st = gguf_open(&g, path, why);

	if (st)
		return st;
	for (size_t i = 0; i < g.n_keys; i++)
		show_key(&g, &g.key[i]);
	for (size_t i = 0; i < g.n_tensors; i++)
		show_tensor(&g.tensor[i]);
	gguf_close(&g);
	return 0;
}

static void tell(const struct gguf_done *d)
{
	const struct gguf_loss *l = &d->loss;

	msg_info("%s: %s, %llu weights", output, d->model_type, (unsigned long long)l->numbers);
	if (l->rounded)
		msg_info("--type %s rounds %.1f %% of them, by %.3g of their norm", type_word,
			 100 * (double)l->rounded / (double)l->numbers, sqrt(l->error / l->norm));
	if (d->dropped)
		msg_info("%zu merges make no token and are left out", d->dropped);
	if (d->stripping)
		msg_info("white space beside %zu added tokens goes with them here and stays text "
			 "there: GGUF has no word for it",
			 d->stripping);
}

static int convert(const char *path, struct reason *why)
{
	enum gguf_as as = (enum gguf_as)tool_word(GGUF_TYPE_WORDS, type_word);
	struct gguf_done done;
	bool folder = is_folder(path);
	int st = newdir_check(output, why);

	if (!st && !folder && as == GGUF_AS_Q8_0)
		return fail(why, ST_USAGE, "--type q8_0 is for GGUF files, not for folders");
	if (!st)
		st = (folder ? gguf_from_folder : gguf_to_folder)(path, output, as, &done, why);
	if (!st)
		tell(&done);
	return st;
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), st;

	if (argc - i != 1)
		return tool_finish(tool_usage("one file or folder is needed, not %d", argc - i));
	if (!info == !output)
		return tool_finish(tool_usage("one of --output and --info is needed"));
	st = info ? show(argv[i], &why) : convert(argv[i], &why);
	if (st)
		msg_reason(&why);
	return tool_finish(st);
}
