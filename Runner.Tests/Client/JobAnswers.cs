using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Runner.Jobs;
using Runner.Tests.Grpc;

namespace Runner.Tests.Client;

/// <summary>What a job server may answer, made by hand, so that it can be what no good server would.</summary>
static class JobAnswers
{
    /// <summary>Which method of the service is called.</summary>
    public static string Method(this HttpContext context) => context.Request.Path.Value!.Split('/')[^1];

    /// <summary>A job that runs and has every part a client needs.</summary>
    public static V1.Job Running(JobId id) => new()
    {
        Id = id.ToString(), Spec = new() { Command = "true", WorkingDirectory = "/" }, Owner = "anna", StartedAt = new Timestamp(), Running = new(),
    };

    /// <summary>The same, ended.</summary>
    public static V1.Job Ended(JobId id, V1.Ended end)
    {
        var job = Running(id);
        job.Ended = end;
        return job;
    }

    /// <summary>One message, and the call goes on.</summary>
    public static async Task SendAsync(this HttpContext context, IMessage message)
    {
        if (!context.Response.HasStarted) context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(RawCall.Frame(message), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>One message, and the call has ended well.</summary>
    public static async Task AnswerAsync(this HttpContext context, IMessage message)
    {
        await context.SendAsync(message);
        context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = "0";
    }

    /// <summary>No message, and a status.</summary>
    public static void Refuse(this HttpContext context, int status, string message = "")
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = $"{status}";
        context.Response.Headers["grpc-message"] = message;
    }
}
