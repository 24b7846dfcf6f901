/* halve [FILE] - responses of more than two tokens get half of their reward: halve.py in C.
 *
 *     cc -o halve halve.c $(pkg-config --cflags --libs traj)
 */
#include <rloop/traj.h>
#include <stdio.h>

int main(int argc, char *argv[])
{
	struct traj_in *in = traj_open(argc > 1 ? argv[1] : "-", 0);
	struct traj_out *out = traj_create("-", "halve", argc - 1, argv + 1);
	struct traj_rec *r;
	const float *logprobs;
	double reward;
	size_t n;
	int st;

	traj_follow(out, in);
	while ((r = traj_next(in)) != NULL) {
		if (traj_is_traj(r) && traj_get_number(r, "reward", &reward) &&
		    traj_get_floats(r, "logprobs", &logprobs, &n) && n > 2)
			traj_set_number(r, "reward", reward / 2);
		traj_put(out, r);
	}
	st = traj_finish(out);
	if (st)
		fprintf(stderr, "halve: %s\n", traj_out_error(out));
	traj_close(in);
	traj_free(out);
	return st;
}
