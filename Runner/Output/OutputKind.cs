namespace Runner.Output;

/// <summary>Which of a job's two streams.</summary>
enum OutputKind
{
    Stdout,
    Stderr,
}
