#ifndef OR_SERVER_TASK_ANSWER_H
#define OR_SERVER_TASK_ANSWER_H
/* Requests that are answered when a task has ended, or is on disk; and what several routes of tasks say. */

#include "server/fields.h"
#include "server/server.h"
#include "server/task_body.h"

/* How a task is to be accepted. */
typedef struct or_answer_options_t {
  bool durable;    /* answered when it is on disk */
  bool shared;     /* or_job_request_t.shared */
  char device[32]; /* or_job_request_t.device; "": any */
  bool parts;      /* multipart/form-data is accepted: tensors as bytes */
  bool refused;    /* the reply says why there can be no such task: only one that is there already is answered */
} or_answer_options_t;
/* Accepts the task of the body (taken in any case) for the request, or finds the one that its id stands for, also where
 * only the store knows it, and answers: the TaskResponse once it has ended, 202 once a durable one is on disk, or why
 * it was refused. A client that goes cancels the task that only it waits for. On the loop's thread, last in a
 * handler. */
void or_answer_task(or_request_t *request, or_task_body_t *body, or_answer_options_t options);

/* An unknown model is an answer of its own, before there is a task: NOT_FOUND, also of a name that none can have. */
or_status_t or_check_models(const or_request_t *request, const or_task_t *task);

/* A finished job's whole response, else what is known of it now. */
void or_reply_job(or_request_t *request, or_job_t *job);
/* The same of a row of the store. On any thread. */
void or_reply_record(or_request_t *request, const or_task_record_t *record);
/* 404 of the path's task_id. */
void or_reply_no_task(or_request_t *request);
/* {"task_id", "status", "device_id", "running_time", …} of a job that has not ended by those facts: of a list with
 * operation and priority, else with progress. */
void or_write_active_task(or_json_writer_t *json, or_job_t *job, const or_job_facts_t *facts, bool listed);
/* Whose tasks a request may see; NULL: everyone's, for an admin and where there are no keys. */
const char *or_request_owner(const or_request_t *request);

#endif
