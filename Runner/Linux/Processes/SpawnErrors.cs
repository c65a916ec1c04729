using Runner.Jobs;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Turns what the kernel refused into what the caller can do about it.</summary>
static class SpawnErrors
{
    public static JobException ToJobError(SpawnException e, JobSpec spec)
    {
        var what = e.Step switch
        {
            SpawnStep.Exec => $"command '{Quoted.Short(spec.Command)}'",
            SpawnStep.Chdir => $"working directory '{Quoted.Short(spec.WorkingDirectory)}'",
            _ => CallOf(e.Step),
        };
        var hint = (e.Step, e.Errno) switch
        {
            (SpawnStep.Exec, Errno.ENOENT) when e.Program is null => " on the job's PATH",
            (SpawnStep.Exec, Errno.ENOENT) => ", or the interpreter it names is not there",
            (SpawnStep.Exec, Errno.EACCES) => "; it must be a file that may be executed, and so must the interpreter it names",
            (SpawnStep.Exec, Errno.ENOEXEC) => "; a script needs a first line such as #!/bin/sh, and a program must be made for this kind of machine",

            // A quarter of the stack's limit, execve(2); each word counts with its final zero and a pointer to it.
            (SpawnStep.Exec, Errno.E2BIG) => "; arguments and environment together are longer than a quarter of the server's stack limit (ulimit -s), usually 2 MiB",
            (SpawnStep.Clone, _) => e.Errno.Remedy(processes: true),
            _ => e.Errno.Remedy(),
        };
        var error = e.Errno.IsExhaustion() ? JobError.Exhausted
            : e.Step is SpawnStep.Exec or SpawnStep.Chdir ? JobError.CannotStart
            : JobError.OsError;
        return new JobException(error, $"{what}: {LinuxException.Describe(e.Errno)}{hint}", e) { Step = CallOf(e.Step), Errno = (int)e.Errno };
    }

    public static JobException ToJobError(LinuxException e) =>
        new(e.Errno.IsExhaustion() ? JobError.Exhausted : JobError.OsError, e.Message + e.Errno.Remedy(), e) { Step = e.Call, Errno = (int)e.Errno };

    /// <summary>For what the platform's own file calls throw, which keep the error number only sometimes.</summary>
    public static JobException ToJobError(Exception e)
    {
        var errno = e.HResult is > 0 and < 4096 ? (Errno)e.HResult : Errno.None;
        return new(errno.IsExhaustion() ? JobError.Exhausted : JobError.OsError, $"state directory: {e.Message}", e)
        {
            Step = "open",
            Errno = errno is Errno.None ? null : (int)errno,
        };
    }

    private static string CallOf(SpawnStep step) => step switch
    {
        SpawnStep.Clone => "clone3",
        SpawnStep.Cgroup => "cgroup tasks",
        SpawnStep.Session => "setsid",
        SpawnStep.Streams => "dup2",
        SpawnStep.Limits => "setrlimit",
        SpawnStep.Signals => "sigaction",
        SpawnStep.Chdir => "chdir",
        SpawnStep.Exec => "execve",
        _ => "spawn",
    };
}
