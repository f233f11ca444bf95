/* SPDX-License-Identifier: MIT */
/* mariadb.c - a MariaDB server of our own: private data and socket, no network, ended
 * by its process id. It gets rows in multi-row statements, BATCH rows a transaction,
 * each transaction durable. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/store/theirs.h"

static pid_t server;
static char base[512], middle[64];

static FILE *client(void)
{
	char command[1200];
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "mariadb --no-defaults --socket=%s/socket -N test 2>&1 >%s/answer",
		 base, base);
	pipe = popen(command, "w");
	if (!pipe)
		die("mariadb");
	return pipe;
}

static bool answers(void)
{
	char command[1200];

	snprintf(command, sizeof(command),
		 "mariadb --no-defaults --socket=%s/socket -e 'CREATE DATABASE IF "
		 "NOT "
		 "EXISTS test' >/dev/null 2>&1",
		 base);
	for (int i = 0; i < 200; i++) {
		if (system(command) == 0)
			return true;
		usleep(100000);
	}
	return false;
}

bool mariadb_start(void)
{
	char here[256];

	if (system("command -v mariadbd mariadb mariadb-install-db >/dev/null") != 0)
		return false;
	if (settings.dir[0] != '/' && getcwd(here, sizeof(here)))
		snprintf(base, sizeof(base), "%s/%s/mariadb", here, settings.dir);
	else
		snprintf(base, sizeof(base), "%s/mariadb", settings.dir);
	shell("rm -rf %s && mkdir -p %s && mariadb-install-db --no-defaults "
	      "--datadir=%s/data --auth-root-authentication-method=normal "
	      "--skip-test-db --user=$(id -un) >%s/log 2>&1",
	      base, base, base, base);
	server = fork();
	if (server == 0) {
		char data[600], socket[600], pid[600], log[600];

		snprintf(data, sizeof(data), "--datadir=%s/data", base);
		snprintf(socket, sizeof(socket), "--socket=%s/socket", base);
		snprintf(pid, sizeof(pid), "--pid-file=%s/pid", base);
		snprintf(log, sizeof(log), "--log-error=%s/log", base);
		execlp("mariadbd", "mariadbd", "--no-defaults", data, socket, pid,
		       log, "--skip-networking", "--skip-grant-tables",
		       geteuid() == 0 ? "--user=root" : "--skip-name-resolve",
		       "--innodb-flush-log-at-trx-commit=1",
		       "--innodb-buffer-pool-size=512M", NULL);
		_exit(127);
	}
	if (server > 0 && answers())
		return true;
	mariadb_stop();
	return false;
}

void mariadb_stop(void)
{
	if (server <= 0)
		return;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	server = 0;
}

static void answer(char *text, int size)
{
	char path[600];
	FILE *file;

	snprintf(path, sizeof(path), "%s/answer", base);
	file = fopen(path, "r");
	if (!file || !fgets(text, size, file))
		die("mariadb does not answer");
	fclose(file);
}

double mariadb_load(int events, int keys)
{
	double start;
	FILE *pipe;

	if (server <= 0)
		return 0;
	pipe = client();
	fprintf(pipe,
		"DROP TABLE IF EXISTS t; CREATE TABLE t (id VARCHAR(16) PRIMARY "
		"KEY, status VARCHAR(16), n INT, amount DOUBLE, note "
		"VARCHAR(80), KEY (status)) WITH SYSTEM VERSIONING;\n");
	start = seconds();
	for (int i = 0; i < events;) {
		fprintf(pipe, "INSERT INTO t VALUES ");
		for (int n = 0; n < BATCH && i < events; n++, i++) {
			struct row row = make_row(draw((unsigned)keys), i);

			fprintf(pipe, "%s('%s','%s',%d,%g,'%s')", n ? "," : "",
				row.id, row.status, row.n, row.amount, row.note);
		}
		fprintf(pipe, " ON DUPLICATE KEY UPDATE status=VALUES(status), "
			      "n=VALUES(n), amount=VALUES(amount), "
			      "note=VALUES(note);\n");
		if (i / BATCH == events / BATCH / 2)
			fprintf(pipe, "SELECT now(6);\n");
	}
	if (pclose(pipe) != 0)
		die("mariadb: load failed");
	start = events / (seconds() - start);
	answer(middle, sizeof(middle));
	middle[strcspn(middle, "\n")] = 0;
	return start;
}

double mariadb_scan(bool past)
{
	double start;
	char text[64];
	FILE *pipe;

	if (server <= 0)
		return 0;
	pipe = client();
	start = seconds();
	fprintf(pipe, "SELECT count(*), sum(n) FROM t");
	if (past)
		fprintf(pipe, " FOR SYSTEM_TIME AS OF TIMESTAMP '%s'", middle);
	fprintf(pipe, ";\n");
	if (pclose(pipe) != 0)
		die("mariadb: scan failed");
	start = (seconds() - start) * 1e3;
	answer(text, sizeof(text));
	return start;
}
