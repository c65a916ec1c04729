namespace Runner.Jobs;

/// <summary>That a running job has been told to end: kept, so that a server that dies meanwhile changes neither its end nor its time.</summary>
/// <param name="Cause">Whose doing it is.</param>
/// <param name="KillAt">When what is left of it is killed.</param>
/// <param name="Signal">What it is told by before that.</param>
sealed record EndingPlan(EndCause Cause, DateTimeOffset KillAt, int Signal = Signals.Terminate);
