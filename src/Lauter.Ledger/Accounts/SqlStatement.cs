using Microsoft.Data.Sqlite;

namespace Lauter.Ledger;

/// <summary>A statement that is parsed once and run with new values for each row. For the databases of ledger and traces.</summary>
/// <remarks>Not safe for concurrent use: like its connection, one thread at a time.</remarks>
public sealed class SqlStatement : IDisposable
{
    private readonly SqliteCommand _command;

    /// <param name="connection">Outlives the statement.</param>
    /// <param name="sql">A constant of the program; values travel as parameters.</param>
    /// <param name="parameters">Names of the parameters in the order in which <see cref="Run"/> gets their values, each with its <c>$</c>.</param>
    public SqlStatement(SqliteConnection connection, string sql, params ReadOnlySpan<string> parameters)
    {
        _command = connection.CreateCommand();
#pragma warning disable CA2100 // see the parameter's description
        _command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var parameter in parameters)
        {
            _command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        }
    }

    /// <summary>Runs it and returns how many rows it changed.</summary>
    public int Run(SqliteTransaction transaction, params ReadOnlySpan<object?> values)
    {
        _command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
        {
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return _command.ExecuteNonQuery();
    }

    /// <summary>Runs it and returns the first value of the first row.</summary>
    public object? First(SqliteTransaction transaction)
    {
        _command.Transaction = transaction;
        return _command.ExecuteScalar();
    }

    /// <inheritdoc/>
    public void Dispose() => _command.Dispose();
}
