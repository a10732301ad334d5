/* check.h -- ursa-cp check: resources judged offline, by the rules of the API and of the writer. */
#ifndef URSA_DAEMON_CHECK_H
#define URSA_DAEMON_CHECK_H

/* The command with its arguments (argv[1] is "check"). The exit status: 0 when there is no fault, 1 when
 * there is, 2 when something could not be read or was asked for in a wrong way. */
int check_command(int argc, char **argv);

#endif
