using Runner.Client;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Cli;

/// <summary>Copies a job's output to a descriptor of this process, byte for byte and as it comes.</summary>
static class OutputCopy
{
    /// <exception cref="OutputClosedException">Nobody reads the descriptor any more.</exception>
    public static async Task ToDescriptorAsync(
        RunnerClient client, JobId id, OutputKind kind, bool follow, int descriptor, CancellationToken cancellationToken)
    {
        await foreach (var part in client.ReadAsync(id, new OutputWish(kind, OutputBegin.Start, follow), cancellationToken))
        {
            if (part.Gap is { } gap) StandardStream.Error.Say(GapLine.Of(kind, gap));
            else StandardStream.Write(descriptor, part.Bytes.Span);
        }
    }
}
