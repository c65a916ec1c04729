using Runner.Access;

namespace Runner.Server;

/// <summary>Which permission each call needs. The server does not start while a method it serves has no line here.</summary>
static class CallRules
{
    public const string StartJob = "/runner.v1.JobService/StartJob";
    public const string RunJob = "/runner.v1.JobService/RunJob";
    public const string PinJob = "/runner.v1.JobService/PinJob";

    public static Authorizer Authorizer { get; } = new(new Dictionary<string, Permission>(StringComparer.Ordinal)
    {
        [StartJob] = Permission.Start,
        [RunJob] = Permission.Start,
        ["/runner.v1.JobService/GetJob"] = Permission.Look,
        ["/runner.v1.JobService/ListJobs"] = Permission.Look,
        ["/runner.v1.JobService/StopJob"] = Permission.Stop,
        ["/runner.v1.JobService/SignalJob"] = Permission.Stop,
        ["/runner.v1.JobService/RemoveJob"] = Permission.Stop,
        ["/runner.v1.JobService/PruneJobs"] = Permission.Stop,
        ["/runner.v1.JobService/RemoveOutput"] = Permission.Stop,
        ["/runner.v1.JobService/PruneOutput"] = Permission.Stop,
        [PinJob] = Permission.Stop,
        ["/runner.v1.JobService/WaitJob"] = Permission.Follow,
        ["/runner.v1.JobService/StreamOutput"] = Permission.Follow,
        ["/runner.v1.JobService/ReadOutput"] = Permission.Follow,
        ["/runner.v1.ServerService/GetInfo"] = Permission.Inspect,
        ["/grpc.health.v1.Health/Check"] = Permission.Inspect,
        ["/grpc.health.v1.Health/Watch"] = Permission.Inspect,
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = Permission.Inspect,
    });
}
