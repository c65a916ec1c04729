using Runner.Access;
using Runner.Jobs;
using Runner.Tests.Grpc;
using Runner.Tests.Support;

namespace Runner.Tests.Server;

/// <summary>What the API answers, over the wire.</summary>
public sealed class JobCallsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Large_jobs_do_not_make_the_list_too_large_for_a_client()
    {
        await using var served = await ServedMachine.StartAsync();
        for (var i = 0; i < 4; i++)
            await Machine.EndAsync(served.Machine.Start(new JobSpec { Command = "/bin/true", Args = [.. Enumerable.Repeat(new string('x', 100 * 1024), 14)] }));
        var jobs = served.Jobs("rita", Role.Reader);
        var (seen, request) = (0, new V1.ListJobsRequest());
        do
        {
            var page = await jobs.ListJobsAsync(request, cancellationToken: Token).ResponseAsync.Soon();
            seen += page.Jobs.Count;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(4, seen);
    }
}
