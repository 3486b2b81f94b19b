// project.lock_watermark: take the write lock on a project's watermark until the transaction ends
// $project_id: text
// row: locked, integer: 1
// nothing: locked is 0: there is no watermark
// mode: write
// repeatable: yes
// note: the property means nothing; writing it takes the lock. Never write one that matters: with
//   `SET w.applied = w.applied` the old value is read before the lock is waited for, and put back
//   after it. For the same reason what a decision rests on is read by the next statement.

MATCH (w:Watermark {project_id: $project_id})
SET w.lock = true
RETURN count(w) AS locked
