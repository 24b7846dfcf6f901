/*
 * path.c - a route through a directed graph that visits no node twice.
 *
 * Nodes are letters, an edge is two of them: prompt "ab ad bc cd dc:a>c=", solution "abc" or "adc".
 * No problem has an edge from its start to its end. Parameters: numbers are nodes, value is the
 * number of edges. meta is {"edges": "ab ad ..."}, the answer "ac" is start and end.
 */
#include "stream/pack.h"
#include "kinds/gen.h"
#include "answer/text.h"

enum { NODES = 26 };

struct graph {
	bool edge[NODES][NODES];
};

static void draw_edges(struct gen_draw *d, struct graph *g, int nodes, int edges)
{
	for (int i = 0; i < edges;) {
		int64_t a = gen_below(d, nodes), b = gen_below(d, nodes);

		if (a != b && !g->edge[a][b]) {
			g->edge[a][b] = true;
			i++;
		}
	}
}

/* A random walk from a random node that never comes back: its nodes as letters; their number. */
static int walk(struct gen_draw *d, const struct graph *g, int nodes, char *route)
{
	bool been[NODES] = {false};
	int at = (int)gen_below(d, nodes), n = 0;
	int64_t longest = gen_range(d, 3, nodes);

	for (;;) {
		int next[NODES], n_next = 0;

		been[at] = true;
		route[n++] = (char)('a' + at);
		for (int j = 0; j < nodes; j++)
			if (g->edge[at][j] && !been[j])
				next[n_next++] = j;
		if (!n_next || n >= longest)
			return n;
		at = next[gen_below(d, n_next)];
	}
}

static void put_edges(struct buf *b, const struct graph *g, const char *between, const char *sep)
{
	const char *s = "";

	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NODES; j++)
			if (g->edge[i][j]) {
				buf_str(b, s);
				buf_char(b, (char)('a' + i));
				buf_str(b, between);
				buf_char(b, (char)('a' + j));
				s = sep;
			}
}

static void put_meta(struct buf *meta, const struct graph *g)
{
	msgpack_packer pk;
	struct buf edges = {0};

	put_edges(&edges, g, "", " ");
	pack_init(&pk, meta);
	msgpack_pack_map(&pk, 1);
	pack_str(&pk, "edges");
	pack_text(&pk, (struct span){edges.p, edges.n});
	buf_free(&edges);
}

static bool draw_path(struct problem *p, struct gen_draw *d, const struct gen_part *part,
		      bool words)
{
	struct graph g = {0};
	char route[NODES], from, to;
	int nodes = (int)gen_range(d, part->min_numbers, part->max_numbers), n;

	if (nodes < 3 || nodes > NODES || part->max_value > nodes * (nodes - 1))
		return false;
	draw_edges(d, &g, nodes, part->max_value);
	n = walk(d, &g, nodes, route);
	from = route[0];
	to = route[n - 1];
	if (n < 3 || g.edge[from - 'a'][to - 'a'])
		return false;
	put_edges(&p->key, &g, "", ",");
	buf_printf(&p->key, ":%c%c", from, to);
	buf_printf(&p->answer, "%c%c", from, to);
	put_meta(&p->meta, &g);
	buf_add(&p->solution, route, (size_t)n);
	if (words) {
		buf_str(&p->prompt, "A directed graph has the edges ");
		put_edges(&p->prompt, &g, "->", ", ");
		buf_printf(&p->prompt,
			   ". Write a route from %c to %c that visits no node twice, as its nodes "
			   "in order without anything between them.%s",
			   from, to, gen_ask);
	} else {
		put_edges(&p->prompt, &g, "", " ");
		buf_printf(&p->prompt, ":%c>%c=", from, to);
	}
	return true;
}

static bool letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* "ab ad ..." of meta.edges */
static bool read_edges(struct span s, struct graph *g)
{
	*g = (struct graph){0};
	for (size_t i = 0; i < s.n; i += 3) {
		if (s.n - i < 2 || !letter(s.p[i]) || !letter(s.p[i + 1]) ||
		    (s.n - i > 2 && s.p[i + 2] != ' '))
			return false;
		g->edge[s.p[i] - 'a'][s.p[i + 1] - 'a'] = true;
	}
	return s.n > 0;
}

static bool right(const struct graph *g, struct span ends, struct span s)
{
	bool been[NODES] = {false};

	if (s.n < 2 || s.p[0] != ends.p[0] || s.p[s.n - 1] != ends.p[1])
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!letter(s.p[i]) || been[s.p[i] - 'a'])
			return false;
		been[s.p[i] - 'a'] = true;
		if (i && !g->edge[s.p[i - 1] - 'a'][s.p[i] - 'a'])
			return false;
	}
	return true;
}

static int judge_path(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct span edges, s = text_final(it->response);
	struct graph g;
	int st = judge_item_answer(it, why);

	if (st)
		return st;
	if (!mp_bytes(mp_get(it->meta, "edges"), &edges) || !read_edges(edges, &g))
		return fail(why, ST_INPUT, "task %.*s: path: meta.edges is not as \"ab ac bd\"",
			    TEXT_ARG(it->task));
	if (it->answer.n != 2 || !letter(it->answer.p[0]) || !letter(it->answer.p[1]))
		return fail(why, ST_INPUT, "task %.*s: path: the answer is not two letters",
			    TEXT_ARG(it->task));
	text_extract(out, s);
	out->reward = right(&g, it->answer, s);
	return 0;
}

const struct kind kind_path = {
	.name = "path",
	.purpose = "a route through a directed graph from one node to another",
	.part =
		{
			[SPLIT_TRAIN] = {{100, 5, 6, 9, 0, 0, 0}},
			[SPLIT_VALID] = {{100, 5, 6, 9, 0, 0, 0}},
			[SPLIT_TEST] = {{100, 5, 6, 9, 0, 0, 0}},
			[SPLIT_OOD] = {{100, 8, 8, 13, 0, 0, 0}},
			[SPLIT_PRETRAIN] = {{30, 4, 4, 6, 0, 0, 0},
					    {50, 5, 6, 9, 0, 0, 0},
					    {20, 8, 8, 13, 0, 0, 0}},
		},
	.draw = draw_path,
	.judge = judge_path,
};
