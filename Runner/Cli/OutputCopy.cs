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
        await foreach (var piece in client.ReadAsync(id, kind, follow, cancellationToken))
            StandardStream.Write(descriptor, piece.Span);
    }
}
