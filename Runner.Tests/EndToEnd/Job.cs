using System.Text.Json;

namespace Runner.Tests.EndToEnd;

/// <summary>What a job's record says, as the command line gives it in JSON.</summary>
static class Job
{
    /// <summary>Cores' worth of CPU time that an ended job got while it ran.</summary>
    public static double ShareOf(JsonElement status)
    {
        var ran = status.GetProperty("end").GetProperty("ended_at").GetDateTime() - status.GetProperty("started_at").GetDateTime();
        Assert.True(ran.TotalSeconds > 3, $"ran for {ran} only");
        return status.GetProperty("usage").GetProperty("cpu_seconds").GetDouble() / ran.TotalSeconds;
    }
}
